-- schema: wallet, history
-- How many events wait to be published (counted up to p_most), and since when the first of them does.

create or replace function measure_outbox(p_most integer, out events bigint, out oldest_at timestamptz)
language plpgsql stable as $$
declare
  v_state relay_state;
  v_running xid8[];
  v_next xid8;
begin
  select s.* into v_state from relay_state s;
  v_running := array(select pg_snapshot_xip(v_state.last_snapshot));
  v_next := pg_snapshot_xmax(v_state.last_snapshot);
  select count(*), min(waiting.created_at)
    into events, oldest_at
    from (
      select fresh.created_at
        from (
          select o.id, o.xid, o.created_at from outbox o where o.xid = any (v_running)
          union all
          select o.id, o.xid, o.created_at from outbox o where o.xid >= v_next
        ) fresh
       where v_state.target_snapshot is null
          or fresh.id > v_state.sent_id
          or not pg_visible_in_snapshot(fresh.xid, v_state.target_snapshot)
       limit p_most
    ) waiting;
end $$
  set search_path from current
  set plan_cache_mode = force_generic_plan
  set enable_seqscan = off
  set enable_bitmapscan = off;

do $$ begin
  revoke execute on function measure_outbox from public;
  execute format('grant execute on function measure_outbox to %I', current_schema() || '_app');
end $$;
