import { useConsole } from "../api/context.ts";
import { useStore } from "../api/store.ts";
import { AttemptCard } from "../parts/attempt-card.tsx";
import { Card, Empty } from "../parts/basics.tsx";
import { MoveForm } from "./move-form.tsx";

/** Money from one wallet to another, at once or by a saga; and everything that was done in this tab. */
export function MoveView() {
  const { attempts } = useConsole();
  const done = useStore(attempts.list);
  return (
    <>
      <h1 tabIndex={-1}>Move money</h1>
      <div class="columns">
        <Card title="Transfer or saga">
          <MoveForm kinds={["transfer", "saga"]} from="alice" to="bob" showsAttempt={false} />
        </Card>
        <Card title="Done in this tab" aside={<span class="quiet">newest first</span>} class="wide">
          {done.length === 0 && (
            <Empty>
              What you do anywhere in the console is listed here, with its Idempotency-Key. Send it again, and you see
              that nothing happens twice.
            </Empty>
          )}
          {done.map((attempt) => (
            <AttemptCard key={attempt.key} attempt={attempt} />
          ))}
        </Card>
      </div>
    </>
  );
}
