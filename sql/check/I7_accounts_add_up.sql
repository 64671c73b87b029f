-- schema: history
-- always: the balance of a wallet's account is the sum of its entries, which continue one another and are never below zero

select
  count(*) filter (where kind = 'wallet') as wallets,
  coalesce(sum(balance), 0) as balances,
  count(*) filter (where frozen) as frozen
from ledger_accounts;

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

select 'an entry does not continue the one before it' as fault, account_id, id as entry, direction, amount, balance_before, balance_after
from (
  select e.*, lag(e.balance_after, 1, 0) over (partition by e.account_id order by e.id) as balance_before
  from ledger_entries e
  join ledger_accounts a on a.id = e.account_id and a.kind = 'wallet'
) e
where balance_after is distinct from balance_before + case direction when 'CREDIT' then amount else -amount end
order by account_id, id
limit 100;

select 'an account is below zero' as fault, account_id, id as entry, balance_after
from ledger_entries
where balance_after < 0
order by account_id, id
limit 100;
