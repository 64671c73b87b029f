/** Amounts as people read them. They stay decimal strings: nothing here computes with numbers. */

const GROUPS = /\B(?=(\d{3})+$)/g;

/** `1234.5000` → `1,234.50`; the third and fourth decimal are shown where they are not zero. */
export function formatMoney(amount: string): string {
  const [, sign = "", whole = "0", decimals = ""] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(amount) ?? [];
  const shown = decimals.replace(/0+$/, "").padEnd(2, "0");
  return `${sign === "" ? "" : "−"}${whole.replace(GROUPS, ",")}.${shown}`;
}

export function isZero(amount: string): boolean {
  return /^-?0*(\.0*)?$/.test(amount);
}

/** How high it is drawn. The only place where an amount becomes a number: a pixel is coarser than what that loses. */
export function toHeight(amount: string): number {
  return Number(amount);
}
