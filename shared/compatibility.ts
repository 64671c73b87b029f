import { type AdmissionCheck, NotAdmitted } from "./admission.ts";
import type { Service, Sql } from "./database.ts";

/**
 * Whether this code and the database fit each other.
 *
 * Changes of the database expand first and contract in a later release, so that old and new servers run side by side.
 * Each schema therefore states two numbers in `schema_compatibility`: the newest migration that it has had, and the lowest
 * code version that it still allows. A migration that contracts (drops what old code uses) raises the second itself:
 * `update schema_compatibility set lowest_code_version = 7;`.
 */

/** The number of the newest migration that this code knows and needs. */
export const CODE_VERSION = 6;

/**
 * SQLSTATEs of a database that its migrations have not reached, or not left: no such schema, table or role, no rights yet.
 */
const NOT_MIGRATED = new Set(["3F000", "42P01", "22023", "42501"]);

/** Refuses a database that is too old for this code, or too new. The message says which, and what to do. */
export function ensureCompatible(service: Service, codeVersion: number = CODE_VERSION): AdmissionCheck {
  return async (sql) => {
    const { newest_migration, lowest_code_version } = await readCompatibility(sql, service);
    if (newest_migration < codeVersion) {
      const state = newest_migration === 0 ? "has not been migrated" : `is at migration ${newest_migration}`;
      throw new NotAdmitted(
        `The ${service} database ${state}, this code needs migration ${codeVersion}: run \`bun run migrate\`.`,
      );
    }
    if (codeVersion < lowest_code_version) {
      throw new NotAdmitted(
        `The ${service} database serves code from version ${lowest_code_version} on, this code is version ${codeVersion}: deploy a newer one.`,
      );
    }
  };
}

interface Compatibility {
  readonly newest_migration: number;
  readonly lowest_code_version: number;
}

const NEVER_MIGRATED: Compatibility = { newest_migration: 0, lowest_code_version: 0 };

async function readCompatibility(sql: Sql, service: Service): Promise<Compatibility> {
  try {
    const [row] = await sql<Compatibility[]>`
      select newest_migration, lowest_code_version from ${sql(service)}.schema_compatibility`;
    return row ?? NEVER_MIGRATED;
  } catch (error) {
    if (error instanceof Error && "code" in error && NOT_MIGRATED.has(String(error.code))) return NEVER_MIGRATED;
    throw error;
  }
}
