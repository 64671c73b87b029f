-- schema: history
--
-- The look of I7_clearing_empty, I7_events_posted and I7_postings_balance: all entries of the ledger, and the events that are to be
-- posted.
--
-- Told by 64-bit hashes: what is debited and what is credited are the same transactions and amounts, and what is to be posted
-- and what is posted are the same transactions, amounts, accounts and directions.
--
-- CPU seconds for a million events and two million entries, all variants taking turns on a machine with other work:
--
--   6.6  as it is
--   8.4  a look for each of the three checks
--  10    with accounts and events joined by uuid: the planner cannot tell how many accounts there are, and hashes the events

with account as materialized (
  select
    id, kind::text as kind, currency, coalesce(applied_version, 0) as applied_version, hashtextextended(id, 0) as hash,
    dense_rank() over (order by kind, currency) as book
  from ledger_accounts
), entries as materialized (
  select
    book, is_debit, count(*) as entries, sum(amount) as amount, sum(posting) as postings, count(posted) as posted,
    sum(posted) as posted_hash
  from (
    select
      a.book, e.direction = 'DEBIT' as is_debit, e.amount, uuid_hash_extended(e.transaction_id, hash_numeric_extended(e.amount, 0)) as posting,
      -- One entry stands for its posting, whose other side is told by the other hash: the reporting wallet's, a saga's debit.
      case
        when a.kind = 'wallet' and (e.direction = 'DEBIT' or d.transaction_id is null) then
          uuid_hash_extended(e.transaction_id, hash_numeric_extended(e.amount, a.hash + case e.direction when 'DEBIT' then 0 else 1 end))
      end as posted
    from ledger_entries e
    left join account a on a.id = e.account_id
    left join ledger_decisions d on d.transaction_id = case e.direction when 'CREDIT' then e.transaction_id end
    offset 0
  ) e
  group by book, is_debit
), events as (
  select
    count(*) filter (where posting = 'OWN') as own,
    count(*) filter (where posting = 'SAGA') as sagas,
    count(*) filter (where is_undecided) as undecided,
    count(*) filter (where ended_otherwise) as ended_otherwise,
    count(*) filter (where not is_applied) as unapplied,
    count(*) filter (where is_last_applied) as last_applied,
    count(posted) as posted,
    sum(posted) as posted_hash
  from (
    select
      e.posting,
      coalesce(a.applied_version >= e.wallet_version, false) as is_applied,
      a.applied_version = e.wallet_version as is_last_applied,
      e.posting = 'SAGA' and a.applied_version >= e.wallet_version and d.outcome is null as is_undecided,
      case
        when ended.outcome is null then false
        when e.event_type in ('TRANSFER_OUT', 'TRANSFER_IN') then ended.outcome <> 'SUCCESS'
        when e.event_type = 'RESERVATION_RELEASED' then ended.outcome <> 'FAILED'
      end as ended_otherwise,
      case
        when a.applied_version >= e.wallet_version and (e.posting = 'OWN' or d.outcome = 'SUCCESS') then
          uuid_hash_extended(e.transaction_id, hash_numeric_extended(
            e.amount, a.hash + case when e.event_type in ('TRANSFER_IN', 'WALLET_FUNDED') then 1 else 0 end))
      end as posted
    from (
      select
        wallet_id::text as account_id, wallet_version, event_type, transaction_id, amount,
        event_data ->> 'posting' as posting, event_data ->> 'transfer_id' as transfer_id
      from transaction_events
      offset 0
    ) e
    left join account a on a.id = e.account_id
    left join ledger_decisions d on d.transaction_id = case e.posting when 'SAGA' then e.transaction_id end
    left join ledger_decisions ended on ended.transaction_id::text = e.transfer_id
    offset 0
  ) e
), of_kind as (
  select
    book.kind, book.currency,
    coalesce(sum(amount) filter (where is_debit), 0) as debits,
    coalesce(sum(amount) filter (where not is_debit), 0) as credits
  from entries
  join (select distinct book, kind, currency from account) book using (book)
  group by book.kind, book.currency
), totals as (
  select account_kind::text as kind, currency, sum(debits) as debits, sum(credits) as credits
  from ledger_totals
  group by account_kind, currency
), sides as (
  select
    coalesce(sum(entries), 0) as entries,
    coalesce(sum(amount) filter (where is_debit), 0) as debits,
    coalesce(sum(amount) filter (where not is_debit), 0) as credits,
    coalesce(sum(entries) filter (where is_debit), 0) as debit_count,
    coalesce(sum(postings) filter (where is_debit), 0) as debit_hash,
    coalesce(sum(postings) filter (where not is_debit), 0) as credit_hash,
    coalesce(sum(posted), 0) as posted,
    coalesce(sum(posted_hash), 0) as posted_hash,
    count(*) filter (where book is null) as of_no_account
  from entries
)
select
  (select coalesce(sum(credits - debits), 0) from totals where kind = 'clearing') as "I7_clearing_empty.clearing",
  (select count(*) from ledger_backlog) as "I7_clearing_empty.backlog",
  e.unapplied = 0
    and e.last_applied = (select count(*) from account where applied_version > 0)
    and not exists (select from totals where kind = 'clearing' and credits <> debits) as "I7_clearing_empty.sound",

  e.own as "I7_events_posted.own",
  e.sagas as "I7_events_posted.sagas",
  (select count(*) from ledger_decisions where outcome = 'FAILED') as "I7_events_posted.refused",
  e.undecided = 0 and e.ended_otherwise = 0 and e.posted = s.posted and coalesce(e.posted_hash, 0) = s.posted_hash
    as "I7_events_posted.sound",

  s.entries as "I7_postings_balance.entries",
  s.debits as "I7_postings_balance.debits",
  s.credits as "I7_postings_balance.credits",
  s.debit_count * 2 = s.entries
    and s.debit_hash = s.credit_hash
    and s.debit_count = (select count(distinct transaction_id) from ledger_entries where direction = 'DEBIT')
    and s.of_no_account = 0
    and not exists (
      select from of_kind k
      full join totals t using (kind, currency)
      where k.debits is distinct from t.debits or k.credits is distinct from t.credits
    )
    and not exists (select from totals group by currency having sum(debits) <> sum(credits))
    as "I7_postings_balance.sound"
from events e
cross join sides s;
