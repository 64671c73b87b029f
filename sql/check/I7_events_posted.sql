-- schema: history
-- always: what the ledger has applied of a wallet is posted exactly as the events say, each saga is decided once, and nothing else is posted
-- look: ledger

with events as (
  select
    e.transaction_id, e.event_type, e.wallet_id, e.amount,
    case when e.event_type in ('WALLET_FUNDED', 'TRANSFER_IN') then 'CREDIT' else 'DEBIT' end as direction
  from transaction_events e
  join ledger_accounts a on a.id = e.wallet_id::text and a.applied_version >= e.wallet_version
  left join ledger_decisions d on d.transaction_id = e.transaction_id and e.event_data ->> 'posting' = 'SAGA'
  where e.event_data ->> 'posting' = 'OWN' or d.outcome = 'SUCCESS'
), postings as (
  -- One entry stands for its posting, whose other side another check looks at: the reporting wallet's, a saga's debit.
  select l.transaction_id, l.account_id, l.direction, l.amount
  from ledger_entries l
  join ledger_accounts a on a.id = l.account_id and a.kind = 'wallet'
  left join (select transaction_id, true as is_saga from ledger_decisions offset 0) d on d.transaction_id = l.transaction_id
  where l.direction = 'DEBIT' or d.is_saga is not true
), offending as materialized (
  select
    coalesce(e.transaction_id, l.transaction_id) as transaction_id, e.event_type, e.wallet_id, e.amount, l.account_id, l.direction,
    l.amount as posted
  from events e
  full join postings l on l.transaction_id = e.transaction_id and l.account_id = e.wallet_id::text
  where e.direction is distinct from l.direction or e.amount is distinct from l.amount
)
select 'an event and its posting differ' as fault, *
from offending
order by transaction_id
limit 100;

with offending as materialized (
  select e.transaction_id, e.wallet_id, e.wallet_version
  from transaction_events e
  join ledger_accounts a on a.id = e.wallet_id::text and a.applied_version >= e.wallet_version
  left join ledger_decisions d on d.transaction_id = e.transaction_id
  where e.event_data ->> 'posting' = 'SAGA' and d.transaction_id is null
)
select 'a saga that is applied is not decided' as fault, *
from offending
order by transaction_id
limit 100;

-- What became of a saga in its sender's wallet: a line of it, or a release.
with offending as materialized (
  select d.transaction_id, d.outcome, e.event_type, e.wallet_id, e.wallet_version
  from transaction_events e
  join ledger_decisions d on d.transaction_id::text = e.event_data ->> 'transfer_id'
  where (e.event_type in ('TRANSFER_OUT', 'TRANSFER_IN') and d.outcome <> 'SUCCESS')
    or (e.event_type = 'RESERVATION_RELEASED' and d.outcome <> 'FAILED')
)
select 'a saga has ended other than the ledger decided' as fault, *
from offending
order by transaction_id, wallet_version
limit 100;
