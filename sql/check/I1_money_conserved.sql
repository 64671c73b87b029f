-- schema: wallet
-- always: the balances of a currency sum to its funding minus its withdrawals
-- look: lines

select
  'the balances differ from what came in and went out' as fault, currency, sum(balance) as balances, sum(flow) as flows,
  sum(balance) - sum(flow) as difference
from (
  select w.currency, w.balance, coalesce(l.flow, 0) as flow
  from wallets w
  left join (
    select wallet_id, sum(case type when 'FUND' then amount when 'WITHDRAW' then -amount end) as flow
    from wallet_transactions
    where status = 'COMPLETED' and type in ('FUND', 'WITHDRAW')
    group by wallet_id
  ) l on l.wallet_id = w.id
) wallet
group by currency
having sum(balance) <> sum(flow)
order by currency
limit 100;
