-- schema: wallet
-- always: each transfer has two completed lines, out of one wallet and into another of its currency, of one amount

select count(*) as transfers, coalesce(sum(amount), 0) as moved
from wallet_transactions
where type = 'TRANSFER_OUT' and status = 'COMPLETED';

-- The wallets' foreign key stands, so every line has its wallet.
select
  'the two lines of a transfer do not agree' as fault, coalesce(o.transfer_id, i.transfer_id) as transfer_id,
  o.id as out_line, o.amount as out_amount, i.id as in_line, i.amount as in_amount
from (
  select l.*, w.currency from wallet_transactions l join wallets w on w.id = l.wallet_id
  where l.type = 'TRANSFER_OUT' and l.status = 'COMPLETED'
) o
full join (
  select l.*, w.currency from wallet_transactions l join wallets w on w.id = l.wallet_id
  where l.type = 'TRANSFER_IN' and l.status = 'COMPLETED'
) i on i.transfer_id = o.transfer_id
where o.id is null
  or i.id is null
  or o.amount <> i.amount
  or o.currency <> i.currency
  or o.wallet_id = i.wallet_id
  or o.counterparty_wallet_id is distinct from i.wallet_id
  or i.counterparty_wallet_id is distinct from o.wallet_id
order by 2
limit 100;

select 'a transfer has a line twice' as fault, transfer_id, type, count(*) as times
from wallet_transactions
where type in ('TRANSFER_OUT', 'TRANSFER_IN') and status = 'COMPLETED'
group by transfer_id, type
having count(*) > 1
order by transfer_id, type
limit 100;

select 'money from or to the outside names a transfer' as fault, id as line, wallet_id, transfer_id
from wallet_transactions
where type in ('FUND', 'WITHDRAW') and (transfer_id is not null or counterparty_wallet_id is not null)
order by id
limit 100;
