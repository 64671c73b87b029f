/** This system over HTTP, at its most: the wallet service alone, and all of it with relay, broker and history at work. */
import { startAlone } from "../ground.ts";
import { transfersBetween } from "../load/requests.ts";
import { type Bench, measure, type Point } from "../measure.ts";
import { startSystem } from "../system.ts";

export interface HttpResult {
  readonly points: readonly Point[];
}

export const ALONE = "wallet alone";
export const WHOLE = "whole system";

export async function measureHttp(bench: Bench): Promise<HttpResult> {
  const { ground, plan } = bench;
  const most = plan.connections.at(-1) ?? 1;
  const loads = [
    ...plan.connections.map((connections) => ({ workload: "uniform", connections }) as const),
    { workload: "zipf", connections: most },
    { workload: "hot", connections: most },
  ] as const;
  const points: Point[] = [];
  const alone = await startAlone(ground, await ground.database("alone"));
  const whole = await startSystem(ground, "whole");
  for (const { workload, connections } of loads) {
    const requests = transfersBetween(ground.wallets, workload);
    const asked = { workload, connections, requests };
    points.push(await measure(bench, { ...asked, target: ALONE, servers: [alone] }));
    points.push(await measure(bench, { ...asked, target: WHOLE, servers: [whole.wallet, whole.history] }));
    await whole.drained();
  }
  await alone.stop();
  await whole.stop();
  return { points };
}
