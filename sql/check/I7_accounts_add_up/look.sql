-- schema: history
-- always: the balance of a wallet's account is the sum of its entries, which continue one another and are never below zero

-- Ids are sorted as they are, 16 bytes, and not as text.
select
  count(*) filter (where a.kind = 'wallet') as wallets,
  coalesce(sum(a.balance), 0) as balances,
  count(*) filter (where a.frozen) as frozen,
  count(*) filter (where a.kind = 'wallet' and (a.balance <> coalesce(e.sum, 0) or e.continues = false)) = 0
    and not exists (select from ledger_entries where balance_after < 0) as sound
from ledger_accounts a
left join (
  select
    account_id, sum(change) as sum,
    bool_and(balance_after is not distinct from balance_before + change) as continues
  from (
    select
      account_id, balance_after, change,
      lag(balance_after, 1, 0.0000) over (partition by account_id order by id) as balance_before
    from (
      select a.id::uuid as account_id, e.id, e.balance_after, case e.direction when 'CREDIT' then e.amount else -e.amount end as change
      from ledger_entries e
      join ledger_accounts a on a.id = e.account_id and a.kind = 'wallet'
      offset 0
    ) e
  ) e
  group by account_id
) e on e.account_id::text = a.id;
