-- schema: history
--
-- carried_traceparent: the trace context that record_traced_events() was given for a saga; null where it was given none.
create or replace function carried_traceparent(p_transaction_id uuid)
returns text
language sql stable
set search_path from current
as $$
  select nullif(current_setting('history.traceparents', true), '')::jsonb ->> p_transaction_id::text
$$;

comment on function carried_traceparent(uuid) is 'The traceparent of the request that asked the ledger to decide this saga, in this call.';

revoke execute on function carried_traceparent(uuid) from public;
grant execute on function carried_traceparent(uuid) to history_app;
