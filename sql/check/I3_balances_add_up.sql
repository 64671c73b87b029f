-- schema: wallet
-- always: a wallet's balance is the sum of its completed lines, and the balance_after of its last one
-- look: lines

select 'the balance is not the sum of the lines' as fault, w.id as wallet_id, w.balance, coalesce(l.sum, 0) as sum
from wallets w
left join (
  select wallet_id, sum(case when type in ('FUND', 'TRANSFER_IN') then amount else -amount end) as sum
  from wallet_transactions
  where status = 'COMPLETED'
  group by wallet_id
) l on l.wallet_id = w.id
where w.balance <> coalesce(l.sum, 0)
order by w.id
limit 100;

select
  'the last line does not end at the wallet''s balance' as fault, w.id as wallet_id, w.balance, w.version,
  last.id as line, last.balance_after, last.wallet_version
from wallets w
left join lateral (
  select id, balance_after, wallet_version from wallet_transactions where wallet_id = w.id order by wallet_version desc limit 1
) last on true
where w.balance <> coalesce(last.balance_after, 0) or w.version < coalesce(last.wallet_version, 1)
order by w.id
limit 100;

select 'a line belongs to no wallet' as fault, l.id as line, l.wallet_id, l.wallet_version, l.amount
from wallet_transactions l
left join wallets w on w.id = l.wallet_id
where w.id is null
order by l.id
limit 100;
