/** Loaded before the tests of a run: at its end, the servers it has used are gone before its last line is printed. */
import { afterAll, setDefaultTimeout } from "bun:test";
import { stopCluster } from "./cluster.ts";

/** Where `bun test` is called by itself this holds for its first file, the one that waits for the servers to start. */
const FIRST_FILE_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 30_000;

setDefaultTimeout(FIRST_FILE_TIMEOUT_MS);
afterAll(stopCluster, STOP_TIMEOUT_MS);
