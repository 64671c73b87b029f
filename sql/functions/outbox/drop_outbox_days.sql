-- schema: wallet, history
-- Drops the days of the outbox that ended more than p_kept days ago and whose events are all published. Runs as the
-- owner, because the service's role may not drop tables.

create or replace function drop_outbox_days(p_kept integer) returns integer language plpgsql security definer as $$
declare
  v_name text;
  v_waiting boolean;
  v_dropped integer := 0;
begin
  if not pg_try_advisory_xact_lock(hashtextextended(current_schema() || '.outbox', 0)) then
    return 0;
  end if;
  for v_name in
    select c.relname
      from pg_inherits i
      join pg_class c on c.oid = i.inhrelid
     where i.inhparent = format('%I.outbox', current_schema())::regclass
       and c.relname ~ '^outbox_\d{8}$'
       and to_date(right(c.relname, 8), 'YYYYMMDD') + 1 + p_kept <= (now() at time zone 'UTC')::date
     order by 1
  loop
    -- Waits for writers of that day that have not committed; only then is what they wrote known.
    execute format('lock table %I in access exclusive mode', v_name);
    execute format(
      'select s.republish_from_id is not null or exists (
         select from %I o
          where o.xid = any (array(select pg_snapshot_xip(s.last_snapshot))) or o.xid >= pg_snapshot_xmax(s.last_snapshot))
       from relay_state s', v_name) into v_waiting;
    continue when v_waiting;
    execute format('drop table %I', v_name);
    v_dropped := v_dropped + 1;
  end loop;
  return v_dropped;
end $$
  set search_path from current
  -- Writers queue behind a waiting lock: rather fail and come again than hold them up.
  set lock_timeout = '500ms';

do $$ begin
  revoke execute on function drop_outbox_days from public;
  execute format('grant execute on function drop_outbox_days to %I', current_schema() || '_app');
end $$;
