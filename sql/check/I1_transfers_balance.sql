-- schema: wallet
-- always: each transfer has two completed lines, out of one wallet and into another of its currency, of one amount

select count(*) as transfers, coalesce(sum(amount), 0) as moved
from wallet_transactions
where type = 'TRANSFER_OUT' and status = 'COMPLETED';

-- What is compared is spelled out both ways round, so that a line without its other one is found from either end.
select
  case
    when bool_or(l.type in ('FUND', 'WITHDRAW')) then 'money from or to the outside has no transfer'
    when l.transfer_id is null then 'lines of a transfer have no transfer_id'
    else 'the two lines of a transfer do not agree'
  end as fault,
  l.transfer_id,
  array_agg(l.id order by l.id) as lines,
  sum(case l.type when 'TRANSFER_OUT' then -l.amount when 'TRANSFER_IN' then l.amount end) as sum
from wallet_transactions l
join wallets w on w.id = l.wallet_id
where l.status = 'COMPLETED' and (l.type in ('TRANSFER_OUT', 'TRANSFER_IN') or l.transfer_id is not null)
group by l.transfer_id
having l.transfer_id is null
  or count(*) <> 2
  or count(*) filter (where l.type = 'TRANSFER_OUT') <> 1
  or count(*) filter (where l.type = 'TRANSFER_IN') <> 1
  or min(l.amount) <> max(l.amount)
  or min(w.currency) <> max(w.currency)
  or min(l.wallet_id::text collate "C") = max(l.wallet_id::text collate "C")
  or min(l.wallet_id::text collate "C") is distinct from min(l.counterparty_wallet_id::text collate "C")
  or max(l.wallet_id::text collate "C") is distinct from max(l.counterparty_wallet_id::text collate "C")
order by l.transfer_id
limit 100;
