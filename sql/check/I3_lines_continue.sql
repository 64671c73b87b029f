-- schema: wallet
-- always: each line of a wallet continues the balance of the one before it, and comes later
-- look: lines

with offending as materialized (
  select wallet_id, wallet_version, balance_before, balance_after <> balance_before + change as moves
  from (
    select
      wallet_id, wallet_version, balance_after, change, created_at,
      lag(balance_after, 1, 0.0000) over wallet as balance_before,
      lag(created_at) over wallet as created_before
    from (
      select
        wallet_id, wallet_version, balance_after, created_at,
        case
          when status = 'FAILED' then 0
          when type in ('FUND', 'TRANSFER_IN') then amount
          else -amount
        end as change
      from wallet_transactions
      offset 0
    ) l
    window wallet as (partition by wallet_id order by wallet_version)
  ) l
  where balance_after <> balance_before + change or created_at <= created_before
)
select
  case when moves then 'a line does not continue the balance before it' else 'a line is not later than the one before it' end as fault,
  wallet_id, wallet_version, l.id as line, l.type, l.status, l.amount, balance_before, l.balance_after, l.created_at
from offending
join wallet_transactions l using (wallet_id, wallet_version)
order by wallet_id, wallet_version
limit 100;
