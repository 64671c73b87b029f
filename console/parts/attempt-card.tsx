import { type Answer, type Attempt, answerTo, curlOf, type Try } from "../api/attempts.ts";
import { useConsole } from "../api/context.ts";
import { hrefOf } from "../route.ts";
import { formatClock, formatSpan } from "../time.ts";
import { Action, Badge, Copy, type Tone } from "./basics.tsx";
import { Problem } from "./problem.tsx";

/** Something that was done: what was sent under which key, what was answered each time, and how to do it again. */
export function AttemptCard({ attempt }: { readonly attempt: Attempt }) {
  const { attempts } = useConsole();
  const answer = answerTo(attempt);
  const curl = () => curlOf(attempt);
  return (
    <article class="attempt" aria-label={attempt.title}>
      <h3>{attempt.title}</h3>
      <p class="attempt-line">
        <code>
          {attempt.method} {attempt.path}
        </code>
      </p>
      <p class="attempt-line">
        Idempotency-Key <code class="key">{attempt.key}</code>
      </p>
      <ol class="tries" aria-label="Each time it was sent">
        {attempt.tries.map((each) => (
          <TryLine key={each.sent_ms} {...each} />
        ))}
      </ol>
      {answer?.problem && <Problem problem={answer.problem} service={attempt.service} urgent />}
      {answer !== null && <Onward answer={answer} />}
      <div class="actions">
        <Copy label="Copy as curl" text={curl} />
        <Action icon="again" onClick={() => void attempts.again(attempt)} disabled={answer === null}>
          Send again
        </Action>
      </div>
      <details>
        <summary>Request and answer</summary>
        <pre>{curl()}</pre>
        {answer !== null && <pre>{JSON.stringify(answer.value ?? answer.problem, null, 2)}</pre>}
      </details>
    </article>
  );
}

function TryLine({ sent_ms, answer }: Try) {
  return (
    <li>
      <time dateTime={new Date(sent_ms).toISOString()}>{formatClock(new Date(sent_ms))}</time>{" "}
      {answer === null ? (
        <Badge tone="plain">on its way …</Badge>
      ) : (
        <>
          <Badge tone={toneOf(answer)}>{answer.status === 0 ? "no answer" : answer.status}</Badge>{" "}
          <span class="quiet">{formatSpan(answer.answered_ms - sent_ms)}</span>{" "}
          {answer.replayed && (
            <>
              <Badge tone="plain">replayed</Badge> <span class="quiet">the stored answer: nothing happened again</span>
            </>
          )}
        </>
      )}
    </li>
  );
}

function toneOf({ status }: Answer): Tone {
  if (status === 0 || status >= 500) return "warn";
  return status < 400 ? "good" : "bad";
}

/** Where the answer leads. */
function Onward({ answer: { value } }: { readonly answer: Answer }) {
  if (value === null) return null;
  const { id, type, from_wallet_id, wallet_id, user_id } = value;
  if (typeof id !== "string") return null;
  const links: [string, string][] = [];
  if (type === "SAGA") links.push(["Watch its steps", hrefOf({ view: "saga", id })]);
  if (user_id !== undefined) links.push(["Open the wallet", hrefOf({ view: "wallet", id, at: null })]);
  if (from_wallet_id !== undefined) links.push(["See it travel", hrefOf({ view: "live", movement: id })]);
  if (from_wallet_id !== undefined || wallet_id !== undefined)
    links.push(["In the ledger", hrefOf({ view: "movement", id })]);
  return (
    <p class="onward">
      {links.map(([text, href]) => (
        <a key={href} href={href}>
          {text}
        </a>
      ))}
    </p>
  );
}
