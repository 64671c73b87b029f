-- schema: wallet
-- at rest: the history holds exactly the versions 1 to version of every wallet, with the amounts of its lines, and ends at its balance
--
-- One row for each wallet behind $1 up to $2; of the wallets in $3 only up to the version in $4 beside it. A null is not compared.
-- $5: whether the two servers hash alike.

with w as materialized (
  select id, user_id, version, balance, held, least(version, bound.seen) as seen
  from wallets
  left join unnest($3::uuid[], $4::bigint[]) as bound (id, seen) using (id)
  where ($1::uuid is null or id > $1) and ($2::uuid is null or id <= $2)
), l as (
  select wallet_id, count(*) as lines, sum(line) as digest
  from (
    select
      wallet_id,
      case
        when $5::boolean then
          hashtextextended(balance_after::text,
          hashtextextended(coalesce(transfer_id::text, ''),
          hashtextextended(coalesce(counterparty_wallet_id::text, ''),
          hashtextextended(coalesce('=' || description, ''),
          hashtextextended(coalesce('=' || reference, ''),
          hashtextextended(created_at::text,
          uuid_hash_extended(id,
          hash_numeric_extended(amount,
          hashtextextended(event_type, wallet_version)))))))))
        else
          ('x' || left(md5(concat_ws(
            ' ', wallet_version, id, event_type, amount, balance_after, created_at,
            'transfer ' || transfer_id, 'with ' || counterparty_wallet_id,
            'description ' || description, 'reference ' || reference
          )), 15))::bit(60)::bigint
      end as line
    from (
      select
        t.*,
        case
          when t.status = 'FAILED' then 'TRANSFER_FAILED'
          when t.type = 'FUND' then 'WALLET_FUNDED'
          when t.type = 'WITHDRAW' then 'WALLET_WITHDRAWN'
          else t.type
        end as event_type
      from wallet_transactions t
      join w on w.id = t.wallet_id and t.wallet_version <= w.seen
      where ($1::uuid is null or t.wallet_id > $1) and ($2::uuid is null or t.wallet_id <= $2)
      offset 0
    ) lines
    offset 0
  ) lines
  group by wallet_id
), s as (
  select
    sender_wallet_id,
    sum(amount) filter (where reservation_event is not null) as reserved,
    sum(amount) filter (where reservation_event is not null and status = 'FAILED') as released
  from transfer_sagas
  where ($1::uuid is null or sender_wallet_id > $1) and ($2::uuid is null or sender_wallet_id <= $2)
  group by sender_wallet_id
)
select
  w.id as wallet_id,
  w.seen,
  w.seen as versions,
  coalesce(l.lines, 0) as lines,
  coalesce(l.digest, 0) as digest,
  case when w.seen = w.version then coalesce(s.reserved, 0.0000) end as reserved,
  case when w.seen = w.version then coalesce(s.released, 0.0000) end as released,
  w.user_id,
  case when w.seen = w.version then w.balance::text end as balance,
  case when w.seen = w.version then w.held::text end as held
from w
left join l on l.wallet_id = w.id
left join s on s.sender_wallet_id = w.id
order by w.id
