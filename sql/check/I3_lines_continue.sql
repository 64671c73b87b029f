-- schema: wallet
-- always: each line of a wallet continues the balance of the one before it, and comes later

select count(*) as lines, count(*) filter (where status = 'FAILED') as failed_lines from wallet_transactions;

select
  case when moves then 'a line does not continue the balance before it' else 'a line is not later than the one before it' end as fault,
  wallet_id, wallet_version, id as line, type, status, amount, balance_before, balance_after, created_at
from (
  select
    l.*,
    balance_after <> balance_before + case
      when status = 'FAILED' then 0
      when type in ('FUND', 'TRANSFER_IN') then amount
      else -amount
    end as moves
  from (
    select
      wallet_transactions.*,
      coalesce(lag(balance_after) over (partition by wallet_id order by wallet_version), 0) as balance_before,
      lag(created_at) over (partition by wallet_id order by wallet_version) as created_before
    from wallet_transactions
  ) l
) l
where moves or created_at <= created_before
order by wallet_id, wallet_version
limit 100;
