/**
 * Called in the copy before its tests: whether the bug is one that a server would start with. A test that is red because
 * nothing works has not noticed anything.
 */
import { createDatabase } from "../cluster.ts";

await Promise.all([import("../../wallet/app.ts"), import("../../history/app.ts"), import("../../shared/relay.ts")]);
// Made of the copy's own migrations and functions; the tests behind this take their databases from the same template.
const database = await createDatabase("planted");
await database.drop();
process.exit(0);
