/** Everything that one run has found. */
import type { Machine } from "./machine.ts";
import type { BaselinesResult } from "./parts/baselines.ts";
import type { DrainResult } from "./parts/drain.ts";
import type { EndToEndResult } from "./parts/end-to-end.ts";
import type { FairnessResult } from "./parts/fairness.ts";
import type { GrowthResult } from "./parts/growth.ts";
import type { HttpResult } from "./parts/http.ts";
import type { OpenPartResult } from "./parts/open.ts";
import type { OverloadResult } from "./parts/overload.ts";
import type { ReadsResult } from "./parts/reads.ts";
import type { Plan } from "./plan.ts";

/** Of each part that was asked for and could be measured. */
export interface PartResults {
  http: HttpResult;
  baselines: BaselinesResult;
  open: OpenPartResult;
  "end-to-end": EndToEndResult;
  drain: DrainResult;
  reads: ReadsResult;
  fairness: FairnessResult;
  overload: OverloadResult;
  growth: GrowthResult;
}

export interface Results {
  /** RFC 3339, UTC. */
  readonly started_at: string;
  readonly seconds: number;
  readonly plan: Plan;
  readonly machine: Machine;
  /** What could not be measured, and why. */
  readonly missing: readonly string[];
  readonly parts: Readonly<Partial<PartResults>>;
}
