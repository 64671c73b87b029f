-- schema: wallet
-- always: every wallet, line and saga of the last 24 hours was answered under exactly one key
--
-- Keys live at least 25 hours, so those of the last 24 are all there. The lines of a settled saga are the ledger's doing:
-- the saga itself is what was answered.

with answers as (
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
  offset 0
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
)
-- Each has an answer, and the two together are no more than the one: then each has just one.
select
  (select count(*) from made where kind = 'line') as lines,
  count(answers.id) = count(*) and count(*) = (select count(*) from made) as sound
from (select id::text as id from made offset 0) made
left join answers on answers.id = made.id;
