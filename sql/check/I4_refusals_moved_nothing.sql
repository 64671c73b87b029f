-- schema: wallet
-- always: a failed line is of a lack of funds, and nothing moved with it; a saga moved its amount once if it succeeded, else nothing

select
  (select count(*) from wallet_transactions where status = 'FAILED') as failed_lines,
  (select count(*) from transfer_sagas where status = 'SUCCESS') as settled_sagas,
  (select count(*) from transfer_sagas where status = 'FAILED') as failed_sagas;

select
  'a failed line moved money' as fault, f.id as line, f.wallet_id, f.type, f.failure_code, f.transfer_id,
  before.balance_after as balance_before, f.balance_after
from wallet_transactions f
left join lateral (
  select l.balance_after
  from wallet_transactions l
  where l.wallet_id = f.wallet_id and l.wallet_version < f.wallet_version
  order by l.wallet_version desc
  limit 1
) before on true
where f.status = 'FAILED'
  and (
    f.balance_after <> coalesce(before.balance_after, 0)
    or f.type not in ('WITHDRAW', 'TRANSFER_OUT')
    or f.failure_code <> 'insufficient_funds'
  )
order by f.id
limit 100;

select 'a refused transfer has a completed line' as fault, f.transfer_id, f.id as failed_line, l.id as completed_line
from wallet_transactions f
join wallet_transactions l on l.transfer_id = f.transfer_id and l.status = 'COMPLETED'
where f.status = 'FAILED'
order by f.transfer_id
limit 100;

select
  'a saga has not moved what its status says' as fault, s.id as saga, s.status, s.amount,
  coalesce(l.lines, 0) as lines, l.amount as moved
from transfer_sagas s
left join (
  select
    l.transfer_id, count(*) as lines, min(l.amount) as amount,
    count(*) filter (where l.type = 'TRANSFER_OUT' and l.counterparty_wallet_id is not null) as out_lines
  from wallet_transactions l
  join transfer_sagas own on own.id = l.transfer_id
  where l.status = 'COMPLETED'
  group by l.transfer_id
) l on l.transfer_id = s.id
where case s.status
    when 'SUCCESS' then (l.lines, l.out_lines, l.amount) is distinct from (2, 1, s.amount)
    else l.lines > 0
  end
order by s.id
limit 100;
