-- schema: history
-- at rest: the ledger's balance of each wallet is the wallet's, but for sagas that are decided and not yet settled
--
-- One row for each wallet. What is decided and not settled is counted as the wallet counts it: not yet gone, not yet come.

select
  a.id::uuid as wallet_id,
  a.applied_version as seen,
  a.currency::text as currency,
  (a.balance + coalesce(s.debited, 0) - coalesce(s.credited, 0))::numeric(24, 4)::text as balance
from ledger_accounts a
left join (
  select
    side.account_id,
    sum(side.amount) filter (where side.direction = 'DEBIT') as debited,
    sum(side.amount) filter (where side.direction = 'CREDIT') as credited
  from ledger_decisions d
  join ledger_entries side on side.movement_id = d.transaction_id
  left join (
    -- The line by which the wallet has settled the saga; the ledger knows it only once it has applied it.
    select distinct e.wallet_id::text as account_id, e.event_data ->> 'transfer_id' as saga
    from transaction_events e
    join ledger_accounts applied on applied.id = e.wallet_id::text and e.wallet_version <= applied.applied_version
    where e.event_type in ('TRANSFER_OUT', 'TRANSFER_IN') and e.event_data ->> 'posting' = 'NONE'
  ) settled on settled.account_id = side.account_id and settled.saga = d.transaction_id::text
  where d.outcome = 'SUCCESS' and settled.saga is null
  group by side.account_id
) s on s.account_id = a.id
where a.kind = 'wallet'
order by a.id::uuid
