-- schema: wallet
-- always: no balance is negative, and what is held is within it and the sum of the wallet's unfinished sagas

select
  (select count(*) from wallets) as wallets,
  (select coalesce(sum(held), 0) from wallets) as held,
  (select count(*) from transfer_sagas where status = 'INITIATED') as unfinished_sagas;

select 'the balance or the hold is out of bounds' as fault, id as wallet_id, balance, held
from wallets
where balance < 0 or held < 0 or held > balance
order by id
limit 100;

select 'the hold is not the sum of the unfinished sagas' as fault, w.id as wallet_id, w.held, coalesce(s.amount, 0) as sagas
from wallets w
left join (
  select sender_wallet_id, sum(amount) as amount
  from transfer_sagas
  where status = 'INITIATED'
  group by sender_wallet_id
) s on s.sender_wallet_id = w.id
where w.held <> coalesce(s.amount, 0)
order by w.id
limit 100;
