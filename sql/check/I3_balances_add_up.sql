-- schema: wallet
-- always: a wallet's balance is the sum of its completed lines, and the balance_after of its last; each line continues the one before

select count(*) as lines, count(*) filter (where status = 'FAILED') as failed_lines from wallet_transactions;

select 'the balance is not what the lines say' as fault, w.id as wallet_id, w.balance, l.sum, l.last as last_balance_after
from wallets w
left join (
  select
    wallet_id,
    sum(case when status = 'FAILED' then 0 when type in ('FUND', 'TRANSFER_IN') then amount else -amount end) as sum,
    (max(row(wallet_version, balance_after)::version_and_balance)).balance as last,
    max(wallet_version) as last_version
  from wallet_transactions
  group by wallet_id
) l on l.wallet_id = w.id
where w.balance <> coalesce(l.sum, 0) or w.balance <> coalesce(l.last, 0) or w.version < coalesce(l.last_version, 1)
order by w.id
limit 100;
