import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { newRunFolder } from "../run-folder.ts";
import { Bed } from "./suite/bed.ts";
import { runFault, SELECTION } from "./suite/run.ts";
import { FAULTS } from "./suite/table.ts";

/**
 * A selection of the faults, each with a part of the operations that a whole run has: `bun run test:faults --whole` runs
 * all of them, in full. Docs/faults.md says what each does and what has come of it.
 */

const SEED = Number(process.env.PROPERTY_SEED ?? Date.now() % 2 ** 31);
const TIMEOUT_MS = 180_000;

const folder = newRunFolder();
let bed: Bed;

beforeAll(async () => {
  bed = await Bed.open({ folder, runFolder: folder });
}, TIMEOUT_MS);

afterAll(async () => {
  await bed.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("a fault under load loses nothing, does nothing twice, and is got over without help", () => {
  test.each(FAULTS.filter(({ selected }) => selected).map((fault) => [fault.name, fault] as const))(
    "%s",
    async (_, fault) => {
      const result = await runFault(fault, { shared: bed, folder, seed: SEED, scale: SELECTION });
      expect({ seed: SEED, lost: result.lost, doubled: result.doubled, wrong: result.wrong }).toEqual({
        seed: SEED,
        lost: 0,
        doubled: 0,
        wrong: [],
      });
      expect(result.operations).toBeGreaterThanOrEqual(SELECTION.operations);
    },
    TIMEOUT_MS,
  );
});
