-- schema: history
-- always: what the ledger has applied of a wallet is posted exactly as the events say, each saga is decided once, and nothing else is posted

-- Told by 64-bit hashes: what is to be posted and what is posted are the same transactions, accounts, directions and amounts.
with events as (
  select
    count(*) filter (where posting = 'OWN') as own,
    count(*) filter (where posting = 'SAGA') as sagas,
    count(*) filter (where posting = 'SAGA' and is_applied and outcome is null) as undecided,
    count(*) filter (where (event_type in ('TRANSFER_OUT', 'TRANSFER_IN') and ended <> 'SUCCESS')
      or (event_type = 'RESERVATION_RELEASED' and ended <> 'FAILED')) as ended_otherwise,
    count(*) filter (where is_posted) as postings,
    coalesce(sum(hash) filter (where is_posted), 0) as hash
  from (
    select
      e.event_type, e.posting, e.outcome, e.ended, e.is_applied,
      e.is_applied and (e.posting = 'OWN' or (e.posting = 'SAGA' and e.outcome = 'SUCCESS')) as is_posted,
      uuid_hash_extended(
        e.transaction_id, hashtextextended(
          e.account_id, hash_numeric_extended(e.amount, case when e.event_type in ('WALLET_FUNDED', 'TRANSFER_IN') then 1 else 2 end))) as hash
    from (
      select
        e.transaction_id, e.wallet_id::text as account_id, e.amount, e.event_type, e.event_data ->> 'posting' as posting, d.outcome, ended.outcome as ended,
        coalesce(a.applied_version >= e.wallet_version, false) as is_applied
      from transaction_events e
      left join ledger_accounts a on a.id = e.wallet_id::text
      left join ledger_decisions d on d.transaction_id = e.transaction_id
      left join ledger_decisions ended on ended.transaction_id::text = e.event_data ->> 'transfer_id'
      offset 0
    ) e
    offset 0
  ) e
), postings as (
  select
    count(*) as postings,
    coalesce(sum(uuid_hash_extended(
      transaction_id, hashtextextended(account_id, hash_numeric_extended(amount, case direction when 'CREDIT' then 1 else 2 end)))), 0) as hash
  from (
    -- One entry stands for its posting, whose other side another check looks at: the reporting wallet's, a saga's debit.
    select l.transaction_id, l.account_id, l.direction, l.amount
    from ledger_entries l
    join ledger_accounts a on a.id = l.account_id and a.kind = 'wallet'
    left join (select transaction_id, true as is_saga from ledger_decisions offset 0) d on d.transaction_id = l.transaction_id
    where l.direction = 'DEBIT' or d.is_saga is not true
    offset 0
  ) l
)
select
  e.own, e.sagas, (select count(*) from ledger_decisions where outcome = 'FAILED') as refused,
  e.undecided = 0 and e.ended_otherwise = 0 and e.postings = l.postings and e.hash = l.hash as sound
from events e
cross join postings l;
