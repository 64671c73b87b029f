-- schema: wallet
-- always: each transfer has two completed lines, out of one wallet and into another of its currency, of one amount
-- look: lines

with offending as materialized (
  select
    coalesce(o.transfer_id, i.transfer_id) as transfer_id,
    o.id as out_line, o.amount as out_amount, i.id as in_line, i.amount as in_amount
  from (select * from wallet_transactions where type = 'TRANSFER_OUT' and status = 'COMPLETED') o
  full join (select * from wallet_transactions where type = 'TRANSFER_IN' and status = 'COMPLETED') i on i.transfer_id = o.transfer_id
  left join wallets sender on sender.id = o.wallet_id
  left join wallets receiver on receiver.id = i.wallet_id
  where o.id is null
    or i.id is null
    or o.amount <> i.amount
    or o.wallet_id = i.wallet_id
    or o.counterparty_wallet_id is distinct from i.wallet_id
    or i.counterparty_wallet_id is distinct from o.wallet_id
    or (sender.currency = receiver.currency) is not true
)
select 'the two lines of a transfer do not agree' as fault, *
from offending
order by transfer_id
limit 100;

with offending as materialized (
  select
    transfer_id,
    count(*) filter (where type = 'TRANSFER_OUT') as out_lines,
    count(*) filter (where type = 'TRANSFER_IN') as in_lines
  from wallet_transactions
  where type in ('TRANSFER_OUT', 'TRANSFER_IN') and status = 'COMPLETED'
  group by transfer_id
  having count(*) filter (where type = 'TRANSFER_OUT') > 1 or count(*) filter (where type = 'TRANSFER_IN') > 1
)
select 'a transfer has a line twice' as fault, *
from offending
order by transfer_id
limit 100;

with offending as materialized (
  select id as line, wallet_id, transfer_id
  from wallet_transactions
  where type in ('FUND', 'WITHDRAW') and (transfer_id is not null or counterparty_wallet_id is not null)
)
select 'money from or to the outside names a transfer' as fault, *
from offending
order by line
limit 100;
