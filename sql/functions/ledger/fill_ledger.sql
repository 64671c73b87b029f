-- schema: history
--
-- fill_ledger: brings the ledger up to the stored history, for histories that are older than the ledger. Harmless to repeat.
--
-- In a folder of its own, because files are applied in the order of their names: by now record_events() posts by itself, so
-- that no event falls between the two. No saga of such a history has ended, since only the ledger ends one: they are decided
-- here as if their events had just arrived.
create or replace function fill_ledger()
returns void
language plpgsql
set search_path from current
as $$
declare
  wallets_per_call constant int := 1000;
  part record;
begin
  perform from stream_positions order by partition for no key update;
  for part in
    with behind as (
      select e.wallet_id, min(e.partition) as partition
      from transaction_events e
      left join ledger_accounts a on a.id = e.wallet_id::text
      group by e.wallet_id, a.applied_version
      having max(e.wallet_version) > coalesce(a.applied_version, 0)
    ), numbered as (
      select *, row_number() over (partition by partition order by wallet_id) as n from behind
    )
    select partition, array_agg(wallet_id order by wallet_id) as wallet_ids
    from numbered
    group by partition, (n - 1) / wallets_per_call
  loop
    perform apply_ledger(part.partition, part.wallet_ids);
  end loop;
  while continue_ledger() loop
  end loop;
end
$$;

comment on function fill_ledger() is 'Applies every stored event that the ledger has not applied yet and that no gap holds back.';

revoke execute on function fill_ledger() from public;

select fill_ledger();
