-- schema: history
--
-- Puts the rebuilt tables into the place of the live ones, which are kept in the schema history_before_rebuild. Functions and
-- prepared statements of running servers find their tables by name, and the names now mean the new ones.
--
-- Readers are waited for, not ended: together, so that nobody holds one table and waits for another of them.
lock table
  history.transaction_events, history.stream_positions, history.gaps, history.ledger_accounts, history.ledger_entries,
  history.ledger_totals, history.ledger_decisions, history.ledger_backlog
in access exclusive mode;

alter table history_rebuild.ledger_entries drop constraint rebuild_balance_not_negative;

do $$
declare
  names constant text[] := array[
    'transaction_events', 'stream_positions', 'gaps',
    'ledger_accounts', 'ledger_entries', 'ledger_totals', 'ledger_decisions', 'ledger_backlog'
  ];
  tables text[];
  name text;
  guard record;
  definitions text[] := '{}';
  definition text;
begin
  -- Whatever a later migration adds is either rebuilt, hence named above, or stays.
  select array_agg(t.tablename) into tables
  from pg_tables t
  where t.schemaname = 'history_rebuild' and t.tablename not in ('outbox', 'dead_letters')
    and t.tablename not like 'schema\_%';
  if not (tables <@ names and names <@ tables) then
    raise exception 'the rebuild has the tables %, and it can swap %', tables, names;
  end if;

  -- The append-only triggers of the rebuilt tables call a function of their own schema, which goes away.
  for guard in
    select t.tgname, c.relname, p.proname, pg_get_triggerdef(t.oid) as definition
    from pg_trigger t
    join pg_class c on c.oid = t.tgrelid
    join pg_proc p on p.oid = t.tgfoid
    where c.relnamespace = 'history_rebuild'::regnamespace and c.relname = any (names) and not t.tgisinternal
  loop
    definitions := definitions || replace(guard.definition, 'history_rebuild.', 'history.');
    execute format('drop trigger %I on history_rebuild.%I', guard.tgname, guard.relname);
  end loop;

  foreach name in array names loop
    execute format('alter table history.%I set schema history_before_rebuild', name);
    execute format('alter table history_rebuild.%I set schema history', name);
  end loop;

  foreach definition in array definitions loop
    execute definition;
  end loop;
end $$;
