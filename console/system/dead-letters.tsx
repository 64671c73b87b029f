import { useConsole } from "../api/context.ts";
import { useEvery, useGet, useOwnActs } from "../api/resource.ts";
import { useStore } from "../api/store.ts";
import type { DeadLetter, List } from "../api/wire.ts";
import { AttemptCard } from "../parts/attempt-card.tsx";
import { Action, Card, Empty, Moment } from "../parts/basics.tsx";
import { Problem } from "../parts/problem.tsx";

const LISTED_LETTERS = 20;
const REFRESH_MS = 5_000;

/** Messages that could not be applied, each with why, and a way to try again once its cause is mended. */
export function DeadLetters() {
  const { history } = useConsole();
  const { value, problem, reload } = useGet<List<DeadLetter>>(history, `/dead-letters?limit=${LISTED_LETTERS}`);
  useEvery(REFRESH_MS, reload);
  useOwnActs(reload);
  return (
    <Card title="Dead letters" aside={<span class="quiet">newest first</span>}>
      {problem && <Problem problem={problem} service={history} />}
      {value?.items.length === 0 && <Empty>None: every message could be applied.</Empty>}
      <ul class="letters">
        {value?.items.map((letter) => (
          <Letter key={letter.id} letter={letter} />
        ))}
      </ul>
    </Card>
  );
}

function Letter({ letter }: { readonly letter: DeadLetter }) {
  const { attempts, history } = useConsole();
  const { id, topic, partition, offset, key, reason, created_at, replayed_at } = letter;
  const path = `/dead-letters/${id}/replay`;
  const attempt = useStore(attempts.list).find((each) => each.path === path);
  return (
    <li>
      <p>
        <strong>{reason}</strong>
      </p>
      <p class="quiet">
        {topic} / {partition}, offset {offset}
        {key !== null && `, key ${key}`}, <Moment at={created_at} />
      </p>
      {replayed_at === null ? (
        <div class="actions">
          <Action
            icon="again"
            onClick={() => void attempts.act({ title: "Replay a dead letter", service: history, path })}
          >
            Replay
          </Action>
        </div>
      ) : (
        <p class="quiet">
          replayed <Moment at={replayed_at} />
        </p>
      )}
      {attempt && <AttemptCard attempt={attempt} />}
    </li>
  );
}
