import { useConsole } from "../api/context.ts";
import { useEvery, useGet } from "../api/resource.ts";
import type { Service } from "../api/service.ts";
import type { Health, Lag } from "../api/wire.ts";
import { Badge, Card, Empty, Scroll, type Tone } from "../parts/basics.tsx";
import { Problem } from "../parts/problem.tsx";
import { DeadLetters } from "./dead-letters.tsx";

/** Often enough to see a change as it happens; health and lag are made to be asked. */
const REFRESH_MS = 2_000;

const TONES: Record<Health["status"], Tone> = { ok: "good", degraded: "warn", down: "bad" };

/** Whether all is well, and how far the history is behind. */
export function SystemView() {
  const { wallet, history } = useConsole();
  return (
    <>
      <h1 tabIndex={-1}>System</h1>
      <div class="pair">
        <ServiceHealth service={wallet} />
        <ServiceHealth service={history} />
      </div>
      <LagCard />
      <DeadLetters />
    </>
  );
}

function ServiceHealth({ service }: { readonly service: Service }) {
  const { value, problem, reload } = useGet<Health>(service, "/health");
  useEvery(REFRESH_MS, reload);
  const links = (
    <span class="quiet">
      <a href={`${service.url}/swagger`}>API</a>
    </span>
  );
  return (
    <Card title={`The ${service.name} service`} aside={links}>
      {problem && <Problem problem={problem} service={service} />}
      {value && !problem && (
        <dl class="checks" aria-live="polite">
          <div>
            <dt>service</dt>
            <dd>
              <Badge tone={TONES[value.status]}>{value.status}</Badge>
            </dd>
          </div>
          {Object.entries(value.checks).map(([name, state]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                <Badge tone={TONES[state]}>{state}</Badge>
              </dd>
            </div>
          ))}
        </dl>
      )}
    </Card>
  );
}

function LagCard() {
  const { history } = useConsole();
  const { value, problem, reload } = useGet<Lag>(history, "/lag");
  useEvery(REFRESH_MS, reload);
  return (
    <Card title="From the topic to the history">
      {problem && <Problem problem={problem} service={history} />}
      {value && !problem && (
        <>
          <dl class="figures">
            <Figure name="Lag" value={`${value.lag} events`} tone={value.lag === 0 ? "good" : "warn"} />
            <Figure
              name="Behind"
              value={`${value.lag_seconds.toFixed(2)} s`}
              tone={value.lag === 0 ? "good" : "warn"}
            />
            <Figure name="Gaps" value={String(value.gaps)} tone={value.gaps === 0 ? "good" : "bad"} />
            <Figure
              name="Dead letters"
              value={String(value.dead_letters)}
              tone={value.dead_letters === 0 ? "good" : "bad"}
            />
          </dl>
          <Partitions partitions={value.partitions} />
        </>
      )}
      {!value && !problem && <Empty>Measuring …</Empty>}
    </Card>
  );
}

function Figure({ name, value, tone }: { readonly name: string; readonly value: string; readonly tone: Tone }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <Badge tone={tone}>{value}</Badge>
      </dd>
    </div>
  );
}

function Partitions({ partitions }: Pick<Lag, "partitions">) {
  return (
    <Scroll label="Lag by partition">
      <table>
        <thead>
          <tr>
            <th scope="col">Partition</th>
            <th scope="col">Applied up to</th>
            <th scope="col">End</th>
            <th scope="col">Lag</th>
            <th scope="col">Seconds</th>
          </tr>
        </thead>
        <tbody>
          {partitions.map(({ topic, partition, committed_offset, end_offset, lag, lag_seconds }) => (
            <tr key={`${topic} ${partition}`}>
              <th scope="row">
                {topic} / {partition}
              </th>
              <td>{committed_offset}</td>
              <td>{end_offset}</td>
              <td>{lag}</td>
              <td>{lag_seconds.toFixed(2)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
