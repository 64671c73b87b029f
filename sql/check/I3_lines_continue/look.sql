-- schema: wallet
-- always: each line of a wallet continues the balance of the one before it, and comes later

-- Only what is compared is sorted: whole lines are some four times as wide.
select
  count(*) as lines,
  (select count(*) from wallet_transactions where status = 'FAILED') as failed_lines,
  count(*) filter (where balance_after <> balance_before + change or created_at <= created_before) = 0 as sound
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
) l;
