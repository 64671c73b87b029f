-- schema: history
--
-- record_traced_events: record_events(), with the trace contexts of the reservations among the events, a JSON object of
-- traceparents by the saga's id. The decisions that this call makes or repeats are published under them.
--
-- They are handed on as a setting of this transaction, because they are no part of the events: what is stored, compared and
-- rebuilt is the same with and without them.
create or replace function record_traced_events(p_partition int, p_events text, p_traceparents text)
returns table (ordinal int, outcome text)
language plpgsql
security definer
set search_path from current
as $$
#variable_conflict use_column
begin
  perform set_config('history.traceparents', p_traceparents, true);
  return query select ordinal, outcome from record_events(p_partition, p_events);
  -- The transaction may go on with events that these are not of.
  perform set_config('history.traceparents', '', true);
end
$$;

comment on function record_traced_events(int, text, text) is
  'record_events(), with the traceparents of the reservations among the events, by the saga''s id.';

revoke execute on function record_traced_events(int, text, text) from public;
grant execute on function record_traced_events(int, text, text) to history_app;
