-- schema: wallet
--
-- The look of I1_money_conserved, I1_transfers_balance, I3_balances_add_up and I3_lines_continue: all lines, sorted once.
--
-- Wallets and transfers are told by 64-bit hashes. A line out counts the hash of its movement (transfer, payer, payee, amount)
-- down, and a line in counts it up: they come to zero in each currency if the lines out and in are of the same movements. A line
-- that should name a transfer and does not, or the other way round, counts a hash that no other line has.
--
-- CPU seconds for a million lines, all variants taking turns on a machine with other work:
--
--   3.9  as it is, of which the sort is 1.2
--   7.0  a look for each of the four checks
--   5.1  two looks, one sorted by version and one grouped by wallet
--   4.3  sorted by one number, of wallet and version: what the sort gains, the joined number and a third lag() cost

with of_wallet as materialized (
  select
    wallet, count(*) as lines, count(change) as completed, coalesce(sum(change), 0) as change,
    coalesce(sum(flow) filter (where flow > 0), 0) as funded, coalesce(sum(-flow) filter (where flow < 0), 0) as withdrawn,
    sum(movement) as movements,
    count(*) filter (where balance_after <> balance_before + coalesce(change, 0) or created_at <= created_before) as breaks
  from (
    select
      wallet, balance_after, change, flow, movement, created_at,
      lag(balance_after, 1, 0.0000) over of_wallet as balance_before,
      lag(created_at) over of_wallet as created_before
    from (
      select
        uuid_hash_extended(wallet_id, 0) as wallet, wallet_version, balance_after, created_at,
        case
          when status = 'FAILED' then null
          when type in ('TRANSFER_IN', 'FUND') then amount
          else -amount
        end as change,
        case
          when status = 'FAILED' then null
          when type = 'FUND' then amount
          when type = 'WITHDRAW' then -amount
        end as flow,
        case
          when status = 'FAILED' then null
          when type = 'TRANSFER_OUT' then
            -coalesce(
              uuid_hash_extended(transfer_id, uuid_hash_extended(wallet_id, uuid_hash_extended(
                nullif(counterparty_wallet_id, wallet_id), hash_numeric_extended(amount, 0)))),
              uuid_hash_extended(id, 1))
          when type = 'TRANSFER_IN' then
            coalesce(
              uuid_hash_extended(transfer_id, uuid_hash_extended(nullif(counterparty_wallet_id, wallet_id), uuid_hash_extended(
                wallet_id, hash_numeric_extended(amount, 0)))),
              uuid_hash_extended(id, 1))
          else uuid_hash_extended(coalesce(transfer_id, counterparty_wallet_id), uuid_hash_extended(id, 1))
        end as movement
      from wallet_transactions
      offset 0
    ) l
    window of_wallet as (partition by wallet order by wallet_version)
  ) l
  group by wallet
), wallet as materialized (
  select
    w.id, w.currency, w.balance, w.version, l.lines, l.completed, coalesce(l.change, 0) as change,
    coalesce(l.funded, 0) as funded, coalesce(l.withdrawn, 0) as withdrawn, l.movements, coalesce(l.breaks, 0) as breaks
  from (select *, uuid_hash_extended(id, 0) as wallet from wallets) w
  full join of_wallet l using (wallet)
), paid as (
  select count(*) as transfers, count(distinct transfer_id) as different, coalesce(sum(amount), 0) as amount
  from wallet_transactions
  where type = 'TRANSFER_OUT' and status = 'COMPLETED'
)
select
  coalesce(sum(completed), 0) as "I1_money_conserved.lines",
  coalesce(sum(funded), 0) as "I1_money_conserved.funded",
  coalesce(sum(withdrawn), 0) as "I1_money_conserved.withdrawn",
  coalesce(sum(balance), 0) as "I1_money_conserved.balances",
  not exists (
    select from wallet where id is not null group by currency having sum(balance) <> sum(funded - withdrawn)
  ) as "I1_money_conserved.sound",

  (select transfers from paid) as "I1_transfers_balance.transfers",
  (select amount from paid) as "I1_transfers_balance.moved",
  (select transfers = different from paid)
    and not exists (
      select from wallet group by currency having sum(movements) <> 0 or (currency is null and count(movements) > 0)
    ) as "I1_transfers_balance.sound",

  count(id) as "I3_balances_add_up.wallets",
  coalesce(sum(version), 0) as "I3_balances_add_up.events",
  not exists (
    select
    from wallet w
    left join lateral (
      select balance_after, wallet_version from wallet_transactions where wallet_id = w.id order by wallet_version desc limit 1
    ) last on true
    where w.id is null or w.balance <> w.change or w.balance <> coalesce(last.balance_after, 0) or w.version < coalesce(last.wallet_version, 1)
  ) as "I3_balances_add_up.sound",

  coalesce(sum(lines), 0) as "I3_lines_continue.lines",
  coalesce(sum(lines - completed), 0) as "I3_lines_continue.failed_lines",
  coalesce(sum(breaks), 0) = 0 as "I3_lines_continue.sound"
from wallet;
