-- schema: wallet
-- always: every wallet, line and saga of the last 24 hours was answered under exactly one key
-- look: answers
--
-- Keys live at least 25 hours, so those of the last 24 are all there. The lines of a settled saga are the ledger's doing:
-- the saga itself is what was answered.

with answers as materialized (
  select
    key,
    case
      -- It begins with its id, which is text to be cut out, unless it may be of another transaction: then it is parsed.
      when starts_with(response, '{"id":"') and strpos(response, '"transaction_id"') = 0 then substr(response, 8, 36)
      when response is json object then coalesce(response::json ->> 'transaction_id', response::json ->> 'id')
    end as id
  from idempotency_keys
  -- 200 is the answer of a freeze: it makes nothing, and may be given again and again.
  where status_code <> 200
), made as (
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
), offending as materialized (
  select made.kind, made.id, coalesce(answered.times, 0) as times
  from made
  left join (select id, count(*) as times from answers group by id) answered on answered.id = made.id::text
  where coalesce(answered.times, 0) <> 1
)
select
  case when times = 0 then 'something happened that was never answered' else 'something was answered under two keys' end as fault,
  kind, id, (select array_agg(key order by key) from answers where answers.id = o.id::text) as keys
from (select * from offending order by id limit 100) o
order by id;
