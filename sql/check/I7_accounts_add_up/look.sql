-- schema: history
-- always: the balance of a wallet's account is the sum of its entries, which continue one another and are never below zero

-- Entries that continue one another from zero add up to the balance behind the last one.
with wallet as materialized (
  select id, balance, row_number() over () as number from ledger_accounts where kind = 'wallet'
)
select
  (select count(*) from wallet) as wallets,
  (select coalesce(sum(balance), 0) from wallet) as balances,
  (select count(*) from ledger_accounts where frozen) as frozen,
  not exists (
    select
    from (
      select balance_before, balance_after, lag(balance_after, 1, 0.0000) over (partition by number order by id) as balance_behind
      from (
        select
          w.number, e.id, e.balance_after,
          e.balance_after - case e.direction when 'CREDIT' then e.amount else -e.amount end as balance_before
        from ledger_entries e
        left join wallet w on w.id = e.account_id
        where w.id is not null or e.balance_after < 0
        offset 0
      ) e
    ) e
    where balance_after < 0 or balance_before is distinct from balance_behind
  )
    and not exists (
      select
      from wallet w
      left join lateral (select balance_after from ledger_entries where account_id = w.id order by id desc limit 1) last on true
      where w.balance <> coalesce(last.balance_after, 0)
    )
    as sound;
