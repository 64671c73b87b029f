-- schema: history
--
-- repeat_decisions: answers again on sagas that the ledger has decided before: the same event, byte for byte. Nothing for
-- a saga whose event is stored but still waits behind a gap: it will be answered when it is applied.
create or replace function repeat_decisions(p_transaction_ids uuid[])
returns void
language sql
set enable_seqscan = off
security definer
set search_path from current
as $$
  insert into outbox (event_id, aggregate_id, type, payload, traceparent)
  select event_id, (payload ->> 'wallet_id')::uuid, payload ->> 'type', payload, carried_traceparent(transaction_id)
  from ledger_decisions
  where transaction_id = any (p_transaction_ids)
$$;

comment on function repeat_decisions(uuid[]) is 'Writes the decisions on these sagas to the outbox once more.';

revoke execute on function repeat_decisions(uuid[]) from public;
grant execute on function repeat_decisions(uuid[]) to history_app;
