-- schema: history
-- always: each posting of the ledger is a debit and a credit of one amount, and so debits equal credits in each currency
-- look: ledger

with offending as materialized (
  select
    transaction_id, count(*) as entries,
    coalesce(sum(amount) filter (where direction = 'DEBIT'), 0) as debits,
    coalesce(sum(amount) filter (where direction = 'CREDIT'), 0) as credits
  from ledger_entries
  group by transaction_id
  having count(*) filter (where direction = 'DEBIT') <> 1
    or count(*) filter (where direction = 'CREDIT') <> 1
    or sum(case direction when 'DEBIT' then amount else -amount end) <> 0
)
select 'a posting does not balance' as fault, *
from offending
order by transaction_id
limit 100;

with offending as materialized (
  select e.account_id, e.id as entry, e.transaction_id
  from ledger_entries e
  left join ledger_accounts a on a.id = e.account_id
  where a.id is null
)
select 'an entry is of no account' as fault, *
from offending
order by account_id, entry
limit 100;

-- The trial balance is made of the totals.
select
  'the totals are not the sums of the entries' as fault, kind, currency, e.debits as entries_debits, t.debits as totals_debits,
  e.credits as entries_credits, t.credits as totals_credits
from (
  select a.kind::text, a.currency, sum(e.debits) as debits, sum(e.credits) as credits
  from (
    select
      account_id,
      coalesce(sum(amount) filter (where direction = 'DEBIT'), 0) as debits,
      coalesce(sum(amount) filter (where direction = 'CREDIT'), 0) as credits
    from ledger_entries
    group by account_id
  ) e
  join ledger_accounts a on a.id = e.account_id
  group by a.kind, a.currency
) e
full join (
  select account_kind::text as kind, currency, sum(debits) as debits, sum(credits) as credits
  from ledger_totals
  group by account_kind, currency
) t using (kind, currency)
where e.debits is distinct from t.debits or e.credits is distinct from t.credits
order by kind, currency
limit 100;

select 'debits are not credits' as fault, currency, sum(debits) as debits, sum(credits) as credits
from ledger_totals
group by currency
having sum(debits) <> sum(credits)
order by currency
limit 100;
