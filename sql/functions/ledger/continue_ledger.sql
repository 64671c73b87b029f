-- schema: history
--
-- continue_ledger: goes on where apply_ledger() has stopped at the most that one call may apply. Answers whether there was
-- anything to do; call it until there is not.
create or replace function continue_ledger()
returns boolean
language plpgsql
set enable_seqscan = off
security definer
set search_path from current
as $$
declare
  v_partition int;
  v_wallet_ids uuid[];
begin
  select b.partition into v_partition from ledger_backlog b limit 1;
  if not found then
    return false;
  end if;
  -- In its turn for the partition, as record_events() is: nobody else applies events of these wallets.
  perform from stream_positions p where p.partition = v_partition for no key update;
  with taken as (
    delete from ledger_backlog b where b.partition = v_partition returning b.wallet_id
  )
  select array_agg(wallet_id) into v_wallet_ids from taken;
  if v_wallet_ids is not null then
    perform apply_ledger(v_partition, v_wallet_ids);
  end if;
  return true;
end
$$;

comment on function continue_ledger() is 'Applies a part of the backlog to the ledger; false if there is none.';

revoke execute on function continue_ledger() from public;
grant execute on function continue_ledger() to history_app;
