-- schema: wallet
-- always: every wallet, line and saga of the last 24 hours was answered under exactly one key
--
-- Keys live at least 25 hours, so those of the last 24 are all there. The lines of a settled saga are the ledger's doing:
-- the saga itself is what was answered.

select count(*) as lines from wallet_transactions where created_at >= now() - interval '24 hours';

select
  case when count(a.key) = 0 then 'something happened that was never answered' else 'something was answered under two keys' end as fault,
  made.kind, made.id, array_agg(a.key) filter (where a.key is not null) as keys
from (
  select 'wallet' as kind, id from wallets where created_at >= now() - interval '24 hours'
  union all
  select 'saga', id from transfer_sagas where created_at >= now() - interval '24 hours' or status = 'INITIATED'
  union all
  select 'line', l.id
  from wallet_transactions l
  where l.created_at >= now() - interval '24 hours'
    -- A transfer is answered by its sender's line, of the same id.
    and l.type <> 'TRANSFER_IN'
    and not exists (select from transfer_sagas s where s.id = l.transfer_id)
) made
left join (
  select k.key, coalesce(a.transaction_id, a.id) as id
  from (
    select key, status_code, response from idempotency_keys where response is json object offset 0
  ) k
  cross join lateral json_to_record(k.response::json) as a (id uuid, transaction_id uuid)
  -- 200 is the answer of a freeze: it makes nothing, and may be given again and again.
  where k.status_code <> 200
) a on a.id = made.id
group by made.kind, made.id
having count(a.key) <> 1
order by made.id
limit 100;
