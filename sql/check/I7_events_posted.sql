-- schema: history
-- always: what the ledger has applied of a wallet is posted exactly as the events say, each saga is decided once, and nothing else is posted

select
  count(*) filter (where posting = 'OWN') as own,
  count(*) filter (where posting = 'SAGA') as sagas,
  (select count(*) from ledger_decisions where outcome = 'FAILED') as refused
from (select event_data ->> 'posting' as posting from transaction_events) e;

select
  'an event and its posting differ' as fault, coalesce(e.transaction_id, l.transaction_id) as transaction_id, e.event_type, e.wallet_id,
  e.amount, l.account_id, l.direction, l.amount as posted
from (
  select
    e.transaction_id, e.event_type, e.wallet_id, e.amount,
    case when e.event_type in ('WALLET_FUNDED', 'TRANSFER_IN') then 'CREDIT' else 'DEBIT' end as direction
  from transaction_events e
  join ledger_accounts a on a.id = e.wallet_id::text and a.applied_version >= e.wallet_version
  left join ledger_decisions d on d.transaction_id = e.transaction_id and e.event_data ->> 'posting' = 'SAGA'
  where e.event_data ->> 'posting' = 'OWN' or d.outcome = 'SUCCESS'
) e
full join (
  -- One entry stands for its posting, whose other side another check looks at: the reporting wallet's, a saga's debit.
  select l.transaction_id, l.account_id, l.direction, l.amount
  from ledger_entries l
  join ledger_accounts a on a.id = l.account_id and a.kind = 'wallet'
  where l.direction = 'DEBIT' or not exists (
    select from ledger_entries o
    join ledger_accounts b on b.id = o.account_id and b.kind = 'wallet'
    where o.movement_id = l.movement_id and o.transaction_id = l.transaction_id and o.direction = 'DEBIT'
  )
) l on l.transaction_id = e.transaction_id and l.account_id = e.wallet_id::text
where e.direction is distinct from l.direction or e.amount is distinct from l.amount
order by 2
limit 100;

select 'a saga that is applied is not decided' as fault, e.transaction_id, e.wallet_id, e.wallet_version
from transaction_events e
join ledger_accounts a on a.id = e.wallet_id::text and a.applied_version >= e.wallet_version
left join ledger_decisions d on d.transaction_id = e.transaction_id
where e.event_data ->> 'posting' = 'SAGA' and d.transaction_id is null
order by e.transaction_id
limit 100;

-- What became of a saga in its sender's wallet: a line of it, or a release.
select 'a saga has ended other than the ledger decided' as fault, d.transaction_id, d.outcome, e.event_type, e.wallet_id, e.wallet_version
from transaction_events e
join ledger_decisions d on d.transaction_id = (e.event_data ->> 'transfer_id')::uuid
where (e.event_type in ('TRANSFER_OUT', 'TRANSFER_IN') and d.outcome <> 'SUCCESS')
  or (e.event_type = 'RESERVATION_RELEASED' and d.outcome <> 'FAILED')
order by d.transaction_id, e.wallet_version
limit 100;
