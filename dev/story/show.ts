/** The story on a terminal; colours only there. */
import Table from "cli-table3";
import pc from "picocolors";
import type { CheckReport } from "../../sql/check.ts";
import { type Answer, textOf } from "./call.ts";
import type { Chaos, Sample } from "./chaos.ts";
import type { Account, Balances, Ledger, Played } from "./play.ts";
import type { Step } from "./steps.ts";

const INDENT = "     ";
/** Headers of an answer that say something beside its body. */
const TELLING = ["Idempotency-Replayed", "ETag", "Location", "Preference-Applied"];

/** One step: what is done, the request, the answer, what changed. */
export function showStep(number: number, step: Step, played: Played): string {
  const { call, answer, faults } = played;
  const mark = faults.length === 0 ? pc.green("✓") : pc.red("✗");
  const headers = Object.entries(call.headers ?? {}).map(([name, value]) => pc.dim(`${name}: ${value}`));
  const status = answer.status < 300 ? pc.green(answer.status) : pc.yellow(answer.status);
  const told = TELLING.flatMap((name) => {
    const value = answer.headers.get(name);
    return value === null ? [] : [`${name}: ${value}`];
  });
  const code = textOf(answer.body, "code");
  return [
    `${mark}${String(number).padStart(3)} ${pc.bold(step.says)}`,
    `${INDENT}${call.method} ${call.path}`,
    ...headers.map((line) => INDENT + line),
    ...(call.body ? [INDENT + pc.dim(JSON.stringify(call.body))] : []),
    `${INDENT}→ ${status}${stateOf(answer.body)}${code && ` ${code}: ${textOf(answer.body, "detail")}`}`,
    ...told.map((line) => `${INDENT}  ${pc.dim(line)}`),
    `${INDENT}${changes(played.before, played.after)}`,
    ...faults.map((fault) => `${INDENT}${pc.red(`not as told: ${fault}`)}`),
    "",
  ].join("\n");
}

/** The state that a saga has come to, and why. */
function stateOf(body: Answer["body"]): string {
  if (textOf(body, "type") !== "SAGA") return "";
  const reason = textOf(body, "failure_code");
  return ` ${textOf(body, "status")}${reason && `: ${reason}`}`;
}

function changes(before: Balances, after: Balances): string {
  const changed = [...after].filter(([name, balance]) => before.get(name) !== balance);
  if (changed.length === 0)
    return `nothing moved: ${[...after].map(([name, balance]) => `${name} ${balance}`).join(", ")}`;
  return changed.map(([name, balance]) => `${name} ${before.get(name) ?? "–"} → ${pc.cyan(balance)}`).join(", ");
}

/** A bar for each so many events that the history is behind. */
const EVENTS_PER_BAR = 25;
const BARS_MAX = 60;

/** One look while the history is down, or catches up. */
export function showSample({ at_ms, happened, stored, behind }: Sample): string {
  const bars = "█".repeat(Math.min(BARS_MAX, Math.ceil(behind / EVENTS_PER_BAR)));
  const told = stored === null ? pc.red("history: no answer") : `history: ${stored}`;
  return `${(at_ms / 1000).toFixed(2).padStart(6)} s  happened: ${String(happened).padStart(6)}   ${told.padEnd(18)}   behind: ${String(behind).padStart(5)} ${pc.yellow(bars)}`;
}

/** What came of the kill. */
export function showChaos({ transfers, down_ms, catch_up_ms, most_behind, gaps, faults }: Chaos): string {
  const mark = faults.length === 0 ? pc.green("✓") : pc.red("✗");
  return [
    `${mark} ${transfers} transfers were answered 201, of which none waited for the history`,
    `${INDENT}down for ${(down_ms / 1000).toFixed(1)} s, at most ${most_behind} events behind, all of them there ${(catch_up_ms / 1000).toFixed(1)} s after its return, gaps: ${gaps}`,
    ...faults.map((fault) => `${INDENT}${pc.red(`not as told: ${fault}`)}`),
  ].join("\n");
}

/** All wallets as they are at the end. */
export function showBalances(accounts: readonly Account[]): string {
  const table = newTable(["", "balance", "held", "available", "version", "wallet"]);
  for (const { name, wallet } of accounts) {
    const amounts = ["balance", "held", "available", "version"].map((member) => right(textOf(wallet, member)));
    table.push([name, ...amounts, textOf(wallet, "id")]);
  }
  return `${pc.bold("Wallets")}\n${table.toString()}`;
}

/** What the ledger has posted for the sagas, and the trial balance over everything. */
export function showLedger({ entries, balances, faults }: Ledger, accounts: readonly Account[]): string {
  const posted = newTable(["account", "debit", "credit", "balance after", "saga"]);
  for (const entry of entries) {
    const [amount, isDebit] = [right(textOf(entry, "amount")), textOf(entry, "direction") === "DEBIT"];
    posted.push([
      nameIn(accounts, textOf(entry, "account_id")),
      ...(isDebit ? [amount, ""] : ["", amount]),
      right(textOf(entry, "balance_after")),
      textOf(entry, "transfer_id") || textOf(entry, "transaction_id"),
    ]);
  }
  const members = ["debits", "credits", "difference", "external", "clearing", "wallets"];
  const trial = newTable(["", ...members]);
  for (const row of balances) {
    trial.push([textOf(row, "currency"), ...members.map((member) => right(textOf(row, member)))]);
  }
  return [
    `${pc.bold("The ledger's entries of the sagas")}\n${posted.toString()}`,
    `${pc.bold("Trial balance of the whole ledger")}\n${trial.toString()}`,
    ...faults.map((fault) => pc.red(`not as told: ${fault}`)),
  ].join("\n\n");
}

function nameIn(accounts: readonly Account[], id: string): string {
  return accounts.find(({ wallet }) => textOf(wallet, "id") === id)?.name ?? id;
}

/** One wallet's history, oldest first. */
export function showHistory({ name, events, faults }: Account, accounts: readonly Account[]): string {
  const table = newTable(["", "event", "amount", "with", "balance after", "what for", "occurred at"]);
  for (const event of events) {
    table.push([
      right(textOf(event, "wallet_version")),
      textOf(event, "event_type"),
      right(textOf(event, "amount")),
      nameIn(accounts, textOf(event, "counterparty_wallet_id")),
      right(textOf(event, "balance_after")),
      textOf(event, "description") || textOf(event, "reference"),
      textOf(event, "occurred_at"),
    ]);
  }
  const found = faults.map((fault) => `\n${pc.red(`not as told: ${fault}`)}`).join("");
  return `${pc.bold(`History of ${name}`)}\n${table.toString()}${found}`;
}

/** Each check that holds on a line; a table with its figures is `bun run check`. */
export function showChecks({ results }: CheckReport): string {
  return results
    .map(({ invariant, states, where }) => `${pc.green("✓")} ${invariant} ${states} ${pc.dim(`(${where})`)}`)
    .join("\n");
}

/** Rows without a line between them. */
const COMPACT = { mid: "", "left-mid": "", "mid-mid": "", "right-mid": "" };

function newTable(head: string[]): InstanceType<typeof Table> {
  return new Table({ head: head.map((name) => pc.dim(name)), chars: COMPACT, style: { head: [], border: [] } });
}

function right(content: string): { content: string; hAlign: "right" } {
  return { content, hAlign: "right" };
}
