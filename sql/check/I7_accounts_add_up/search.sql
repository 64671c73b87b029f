-- schema: history
-- always: the balance of a wallet's account is the sum of its entries, which continue one another and are never below zero

select 'the balance is not the sum of the entries' as fault, a.id as account_id, a.balance, coalesce(e.sum, 0) as entries
from ledger_accounts a
left join (
  select account_id, sum(case direction when 'CREDIT' then amount else -amount end) as sum
  from ledger_entries
  group by account_id
) e on e.account_id = a.id
where a.kind = 'wallet' and a.balance <> coalesce(e.sum, 0)
order by a.id
limit 100;

with offending as materialized (
  select account_id, id, balance_before
  from (
    select
      account_id, id, balance_after, change,
      lag(balance_after, 1, 0.0000) over (partition by account_id order by id) as balance_before
    from (
      select a.id::uuid as account_id, e.id, e.balance_after, case e.direction when 'CREDIT' then e.amount else -e.amount end as change
      from ledger_entries e
      join ledger_accounts a on a.id = e.account_id and a.kind = 'wallet'
      offset 0
    ) e
  ) e
  where balance_after is distinct from balance_before + change
)
select
  'an entry does not continue the one before it' as fault, e.account_id, e.id as entry, e.direction, e.amount, balance_before,
  e.balance_after
from offending o
join ledger_entries e on e.account_id = o.account_id::text and e.id = o.id
order by e.account_id, e.id
limit 100;

with offending as materialized (
  select account_id, id as entry, balance_after from ledger_entries where balance_after < 0
)
select 'an account is below zero' as fault, *
from offending
order by account_id, entry
limit 100;
