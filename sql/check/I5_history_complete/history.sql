-- schema: history
-- at rest: the history holds exactly the versions 1 to version of every wallet, with the amounts of its lines, and ends at its balance
--
-- One row for each wallet. The digest is over what a line and its event both say; a sum, so that it needs no order. Where the two
-- servers hash alike ($1) it is made of 64-bit hashes, each the seed of the next, else of md5, which takes four times as long.
-- The time is the column's, which another check compares with what the event says.

select
  e.wallet_id,
  e.seen,
  e.versions,
  e.lines,
  coalesce(e.digest, 0) as digest,
  coalesce(e.reserved, 0.0000) as reserved,
  coalesce(e.released, 0.0000) as released,
  e.user_id,
  last.event_data ->> 'balance_after' as balance,
  last.event_data ->> 'held_after' as held
from (
  select
    wallet_id,
    max(wallet_version) as seen,
    count(*) as versions,
    count(line) as lines,
    sum(line) as digest,
    sum(amount) filter (where event_type = 'WALLET_RESERVED') as reserved,
    sum(amount) filter (where event_type = 'RESERVATION_RELEASED') as released,
    max(user_id) as user_id
  from (
    select
      wallet_id, wallet_version, event_type, amount, user_id,
      case
        when event_type not in ('TRANSFER_OUT', 'TRANSFER_IN', 'WALLET_FUNDED', 'WALLET_WITHDRAWN', 'TRANSFER_FAILED') then null
        when $1::boolean then
          hashtextextended(coalesce(event_data ->> 'balance_after', ''),
          hashtextextended(coalesce(event_data ->> 'transfer_id', ''),
          hashtextextended(coalesce(event_data ->> 'counterparty_wallet_id', ''),
          hashtextextended(coalesce('=' || (event_data ->> 'description'), ''),
          hashtextextended(coalesce('=' || (event_data ->> 'reference'), ''),
          hashtextextended(occurred_at::text,
          uuid_hash_extended(coalesce(transaction_id, wallet_id),
          hash_numeric_extended(amount,
          hashtextextended(event_type, wallet_version)))))))))
        else
          ('x' || left(md5(concat_ws(
            ' ', wallet_version, transaction_id, event_type, amount, event_data ->> 'balance_after', occurred_at,
            'transfer ' || (event_data ->> 'transfer_id'), 'with ' || (event_data ->> 'counterparty_wallet_id'),
            'description ' || (event_data ->> 'description'), 'reference ' || (event_data ->> 'reference')
          )), 15))::bit(60)::bigint
      end as line
    from transaction_events
    offset 0
  ) events
  group by wallet_id
) e
join transaction_events last on last.wallet_id = e.wallet_id and last.wallet_version = e.seen
order by e.wallet_id
