-- schema: wallet
-- at rest: the ledger's balance of each wallet is the wallet's, but for sagas that are decided and not yet settled
--
-- One row for each wallet behind $1 up to $2; of the wallets in $3 only up to the version in $4 beside it. A null is not compared.

select
  w.id as wallet_id,
  w.seen,
  w.currency::text as currency,
  case when w.seen = w.version then w.balance end as balance
from (
  select id, version, currency, balance, least(version, bound.seen) as seen
  from wallets
  left join unnest($3::uuid[], $4::bigint[]) as bound (id, seen) using (id)
  where ($1::uuid is null or id > $1) and ($2::uuid is null or id <= $2)
) w
order by w.id
