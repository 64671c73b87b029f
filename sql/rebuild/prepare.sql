-- schema: history
--
-- Stand-ins for what a rebuild leaves as it is: the outbox and the dead letters of the live schema. Run in the schema
-- history_rebuild, before the functions that write to them.

create table outbox (like history.outbox);

-- A rebuild says nothing to anyone, and it never decides: a decision that the topic has told is in ledger_decisions before
-- the saga is applied. One that is being made is written by the very statement that calls this, and a stable function sees
-- nothing of its caller's.
create function refuse_decision() returns trigger language plpgsql stable set search_path from current as $$
begin
  if not exists (select from ledger_decisions d where d.event_id = new.event_id) then
    raise exception 'the topic has not told the decision on the saga %', new.payload ->> 'transaction_id'
      using errcode = '23R01';
  end if;
  return null;
end $$;

create trigger outbox_refuses_decisions before insert on outbox for each row execute function refuse_decision();

create table dead_letters (like history.dead_letters including all);

-- Places in the stream are taken over at the end; the table is append-only again once it is in its place.
alter table transaction_events disable trigger transaction_events_append_only;

-- Partitions are read side by side, and a posting must not run ahead of the money that it spends, not even by one entry: it is
-- refused and tried again. Dropped when the table is put in its place, whose writers see to it by themselves.
alter table ledger_entries add constraint rebuild_balance_not_negative check (balance_after >= 0);
