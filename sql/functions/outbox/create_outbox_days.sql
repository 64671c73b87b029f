-- schema: wallet, history
-- Makes the partitions of the outbox for today and p_ahead days, and for each day that has rows in the default
-- partition, which move there. Runs as the owner, because the service's role may not make tables.

create or replace function create_outbox_days(p_ahead integer) returns integer language plpgsql security definer as $$
declare
  v_day date;
  v_name text;
  v_from timestamptz;
  v_until timestamptz;
  v_made integer := 0;
begin
  -- One process at a time; the other has nothing left to do.
  if not pg_try_advisory_xact_lock(hashtextextended(current_schema() || '.outbox', 0)) then
    return 0;
  end if;
  for v_day in
    select (now() at time zone 'UTC')::date + ahead from generate_series(0, p_ahead) ahead
    union
    select distinct (o.created_at at time zone 'UTC')::date from outbox_default o
    order by 1
  loop
    v_name := 'outbox_' || to_char(v_day, 'YYYYMMDD');
    continue when to_regclass(format('%I.%I', current_schema(), v_name)) is not null;
    v_from := v_day::timestamp at time zone 'UTC';
    v_until := (v_day + 1)::timestamp at time zone 'UTC';
    -- Made apart and attached: `create table … partition of` would lock out all readers and writers of the outbox.
    execute format('create table %I (like outbox including defaults including constraints)', v_name);
    lock table outbox_default in access exclusive mode;
    execute format(
      'with moved as (delete from outbox_default where created_at >= $1 and created_at < $2 returning *)
       insert into %I select * from moved', v_name) using v_from, v_until;
    execute format('alter table outbox attach partition %I for values from (%L) to (%L)', v_name, v_from, v_until);
    v_made := v_made + 1;
  end loop;
  return v_made;
end $$
  set search_path from current
  -- Writers queue behind a waiting lock: rather fail and come again than hold them up.
  set lock_timeout = '500ms';

do $$ begin
  revoke execute on function create_outbox_days from public;
  execute format('grant execute on function create_outbox_days to %I', current_schema() || '_app');
end $$;

-- A fresh database has its days before its first event.
select create_outbox_days(7);
