/** Charts as SVG, drawn by hand: they stand beside the report and need nothing to be shown. */

export interface Bar {
  readonly name: string;
  readonly value: number;
}

/** A bar made of parts, such as the CPU of each process. */
export interface Stack {
  readonly name: string;
  readonly parts: readonly Bar[];
}

export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Axes {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  /** Where one value is a thousand times another. */
  readonly logarithmic?: boolean;
}

const WIDTH = 760;
const BAR_HEIGHT = 22;
const BAR_GAP = 8;
const NAME_WIDTH = 260;
const VALUE_WIDTH = 90;
const TOP = 40;
const LEGEND_HEIGHT = 24;
const UNIT_HEIGHT = 14;
const PLOT = { left: 70, right: 20, height: 260, bottom: 46 } as const;
const TICKS = 5;
/** Told apart in print and by colour-blind eyes (Okabe and Ito). */
const COLOURS = ["#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#999999"];
const INK = "#333333";

/** Bars from the left, one below the other. */
export function barChart(title: string, unit: string, bars: readonly Bar[]): string {
  return stackChart(
    `${title} (${unit})`,
    bars.map(({ name, value }) => ({ name, parts: [{ name: "", value }] })),
  );
}

/** The same, each bar made of parts that are named below the title. */
export function stackChart(title: string, stacks: readonly Stack[]): string {
  const names = [...new Set(stacks.flatMap(({ parts }) => parts.map(({ name }) => name)))];
  const legend = names.some((name) => name !== "") ? legendOf(names) : "";
  const top = TOP + (legend === "" ? 0 : LEGEND_HEIGHT);
  const sum = ({ parts }: Stack): number => parts.reduce((total, { value }) => total + value, 0);
  const most = Math.max(1e-9, ...stacks.map(sum));
  const scale = (WIDTH - NAME_WIDTH - VALUE_WIDTH) / most;
  const rows = stacks.map((stack, row) => {
    const y = top + row * (BAR_HEIGHT + BAR_GAP);
    let x = NAME_WIDTH;
    const parts = stack.parts.map(({ name, value }) => {
      const part = rectangle(x, y, value * scale, BAR_HEIGHT, colourOf(names.indexOf(name)));
      x += value * scale;
      return part;
    });
    const middle = y + BAR_HEIGHT / 2 + 4;
    return [
      label(NAME_WIDTH - 8, middle, stack.name, "end"),
      ...parts,
      label(x + 6, middle, figure(sum(stack)), "start"),
    ].join("");
  });
  const height = top + stacks.length * (BAR_HEIGHT + BAR_GAP) + 8;
  return svg(height, [heading(title), legend, ...rows]);
}

/** Lines over one pair of axes. */
export function lineChart({ title, x, y, logarithmic = false }: Axes, lines: readonly Line[]): string {
  const points = lines.flatMap((line) => line.points);
  const top = TOP + LEGEND_HEIGHT + UNIT_HEIGHT;
  const most = {
    x: Math.max(1e-9, ...points.map(([at]) => at)),
    y: Math.max(1e-9, ...points.map(([, value]) => value)),
  };
  const least_y = logarithmic ? Math.min(most.y / 10, ...points.map(([, value]) => Math.max(value, 0.1))) : 0;
  const width = WIDTH - PLOT.left - PLOT.right;
  const share = (value: number): number =>
    logarithmic ? Math.log(Math.max(value, least_y) / least_y) / Math.log(most.y / least_y) : value / most.y;
  const xOf = (at: number): number => PLOT.left + (at / most.x) * width;
  const yOf = (value: number): number => top + PLOT.height * (1 - share(value));
  const ticks = Array.from({ length: TICKS + 1 }, (_, tick) => tick / TICKS).flatMap((part) => {
    const value = logarithmic ? least_y * (most.y / least_y) ** part : most.y * part;
    return [
      `<path d="M${PLOT.left} ${round(yOf(value))}h${width}" stroke="#dddddd"/>`,
      label(PLOT.left - 6, yOf(value) + 4, figure(value), "end"),
      label(xOf(most.x * part), top + PLOT.height + 18, figure(most.x * part), "middle"),
    ];
  });
  const drawn = lines.map((line, number) => {
    const path = line.points.map(
      ([at, value], index) => `${index === 0 ? "M" : "L"}${round(xOf(at))} ${round(yOf(value))}`,
    );
    return `<path d="${path.join("")}" fill="none" stroke="${colourOf(number)}" stroke-width="2"/>`;
  });
  const below = label(PLOT.left + width / 2, top + PLOT.height + 38, x, "middle");
  const unit = label(PLOT.left, top - 8, y, "middle");
  const legend = legendOf(lines.map(({ name }) => name));
  return svg(top + PLOT.height + PLOT.bottom, [heading(title), legend, unit, ...ticks, ...drawn, below]);
}

/** A number as a person reads it: three digits that count. */
export function figure(value: number): string {
  if (value < 0) return `−${figure(-value)}`;
  if (value >= 100) return Math.round(value).toLocaleString("en");
  return value === 0 ? "0" : String(Number(value.toPrecision(value >= 10 ? 3 : 2)));
}

function svg(height: number, parts: readonly string[]): string {
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${round(height)}" ` +
    `viewBox="0 0 ${WIDTH} ${round(height)}" font-family="sans-serif" font-size="12">` +
    `<rect width="100%" height="100%" fill="#ffffff"/>${parts.join("")}</svg>\n`
  );
}

function heading(text: string): string {
  return `<text x="12" y="22" font-size="14" font-weight="bold" fill="${INK}">${escaped(text)}</text>`;
}

function legendOf(names: readonly string[]): string {
  const width = (WIDTH - 24) / Math.max(1, names.length);
  return names
    .map(
      (name, at) =>
        rectangle(12 + at * width, TOP - 6, 10, 10, colourOf(at)) + label(28 + at * width, TOP + 3, name, "start"),
    )
    .join("");
}

function label(x: number, y: number, text: string, anchor: "start" | "middle" | "end"): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" fill="${INK}">${escaped(text)}</text>`;
}

function rectangle(x: number, y: number, width: number, height: number, colour: string): string {
  return `<rect x="${round(x)}" y="${round(y)}" width="${round(Math.max(0, width))}" height="${height}" fill="${colour}"/>`;
}

function colourOf(number: number): string {
  return COLOURS[Math.max(0, number) % COLOURS.length] ?? INK;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
