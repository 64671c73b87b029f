-- schema: wallet, history
-- The next page of the target: rows that it sees and the last snapshot does not, in order of id.
-- Fewer rows than p_limit means that the target has no more.

create or replace function read_outbox(
  p_epoch bigint, p_target pg_snapshot, p_after_id bigint, p_until_id bigint, p_limit integer
) returns table (id bigint, event_id uuid, aggregate_id uuid, type varchar, payload text, traceparent varchar)
language plpgsql stable as $$
declare
  v_last pg_snapshot;
begin
  select s.last_snapshot into v_last from relay_state s where s.epoch = p_epoch;
  return query
    select o.id, o.event_id, o.aggregate_id, o.type, o.payload::text, o.traceparent
      from outbox o
     where o.id > p_after_id
       and o.id <= p_until_id
       and pg_visible_in_snapshot(o.xid, p_target)
       and not pg_visible_in_snapshot(o.xid, v_last)
     order by o.id
     limit p_limit;
end $$
  set search_path from current
  set plan_cache_mode = force_generic_plan
  set enable_seqscan = off
  set enable_bitmapscan = off;

do $$ begin
  revoke execute on function read_outbox from public;
  execute format('grant execute on function read_outbox to %I', current_schema() || '_app');
end $$;
