/** Loaded before the tests of a run. */
import { afterAll, setDefaultTimeout } from "bun:test";
import { stopCluster } from "./cluster.ts";

/** The first test that needs the servers waits for their start, on a fresh checkout for their download too. */
const TEST_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 30_000;

setDefaultTimeout(TEST_TIMEOUT_MS);
// The run's last line is printed when its servers are gone.
afterAll(stopCluster, STOP_TIMEOUT_MS);
