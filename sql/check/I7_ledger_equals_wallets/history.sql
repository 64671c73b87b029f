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
    sum(amount) filter (where side.direction = 'DEBIT') as debited,
    sum(amount) filter (where side.direction = 'CREDIT') as credited
  from ledger_decisions d
  join ledger_entries side on side.movement_id = d.transaction_id
  where d.outcome = 'SUCCESS' and not exists (
    select from ledger_accounts applied
    -- The cast is guarded, because a plan may read the other accounts before it leaves them out.
    join transaction_events e
      on e.wallet_id = case applied.kind when 'wallet' then applied.id::uuid end and e.wallet_version <= applied.applied_version
    where applied.id = side.account_id
      and e.event_type in ('TRANSFER_OUT', 'TRANSFER_IN')
      and e.event_data ->> 'posting' = 'NONE'
      and (e.event_data ->> 'transfer_id')::uuid = d.transaction_id
  )
  group by side.account_id
) s on s.account_id = a.id
where a.kind = 'wallet'
order by a.id::uuid
