-- schema: wallet, history
-- The next published events that are to be sent once more, in order of id. Only published ones: a first publication goes
-- by snapshots, because by id alone a later event of a wallet could overtake an earlier one that is not visible yet.

create or replace function read_republished(p_epoch bigint, p_limit integer)
returns table (id bigint, event_id uuid, aggregate_id uuid, type varchar, payload text, traceparent varchar)
language plpgsql stable as $$
declare
  v_state relay_state;
begin
  select s.* into v_state from relay_state s where s.epoch = p_epoch;
  return query
    select o.id, o.event_id, o.aggregate_id, o.type, o.payload::text, o.traceparent
      from outbox o
     where o.id between v_state.republish_from_id and v_state.republish_to_id
       and pg_visible_in_snapshot(o.xid, v_state.last_snapshot)
     order by o.id
     limit p_limit;
end $$
  set search_path from current
  set plan_cache_mode = force_generic_plan
  set enable_seqscan = off
  set enable_bitmapscan = off;

do $$ begin
  revoke execute on function read_republished from public;
  execute format('grant execute on function read_republished to %I', current_schema() || '_app');
end $$;
