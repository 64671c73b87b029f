/** What `bun start` shows while it works. */
import pc from "picocolors";

export interface Screen {
  /** Something is done: its name, what came of it, and how long it took. */
  done: (name: string, result: string, took_ms?: number) => void;
  /** Something takes a while; on a terminal the next line takes its place. */
  progress: (line: string) => void;
  /** Anything else. */
  say: (line: string) => void;
}

const NAME_WIDTH = 16;
const RESULT_WIDTH = 48;
/** Without a terminal to write over, progress is shown this often at most. */
const PROGRESS_EVERY_MS = 2_000;

function write(text: string): void {
  process.stdout.write(text);
}

export function createScreen(terminal: boolean): Screen {
  let shown = Number.NEGATIVE_INFINITY;
  const erase = terminal ? "\r\x1b[K" : "";
  // Whoever read the output may be gone, as after a kill of `npx`: the system still has to be ended in order.
  process.stdout.on("error", () => undefined);
  return {
    done: (name, result, took_ms) => {
      const took = took_ms === undefined ? "" : pc.dim(`${(took_ms / 1000).toFixed(1)} s`);
      write(`${erase}  ${pc.green("✓")} ${name.padEnd(NAME_WIDTH)}  ${result.padEnd(RESULT_WIDTH)} ${took}`.trimEnd());
      write("\n");
    },
    progress: (line) => {
      if (terminal) {
        write(`${erase}  ${pc.dim(`… ${line}`.slice(0, (process.stdout.columns ?? 80) - 4))}`);
      } else if (performance.now() - shown > PROGRESS_EVERY_MS) {
        write(`  … ${line}\n`);
        shown = performance.now();
      }
    },
    say: (line) => write(`${erase}${line}\n`),
  };
}
