-- schema: wallet
--
-- The look of I4_answers_happened and I4_lines_answered_once, which say what the two are about.
--
-- What was made is written once more as it was answered: where a kept answer is the same text, with the same status, all of it
-- is so. That is told by 64-bit hashes, at a third of the price of parsing it. Any other answer is parsed. What was made is the
-- same as what was answered if both are as many, and the hashes of their ids have the same sum.
--
-- CPU seconds for half a million answers, all variants taking turns on a machine with other work:
--
--   4.2  as it is, of which 1.2 are the texts
--   7.7  a look for each of the two checks, joined by the id that an answer begins with
--   4.3  the texts by || instead of concat(); 4.7 by format(); 4.7 with the time by to_json() instead of to_char()

with made as materialized (
  select
    l.id, l.created_at >= now() - interval '24 hours' as is_recent,
    hashtextextended(
      case
        when l.status = 'FAILED' then null
        when l.type = 'TRANSFER_OUT' and l.transfer_id = l.id then concat(
          '{"id":"', l.id, '","from_wallet_id":"', l.wallet_id, '","to_wallet_id":"', l.counterparty_wallet_id,
          '","amount":"', l.amount, '","currency":"', w.currency,
          '","status":"COMPLETED","from_balance_after":"', l.balance_after, '","from_wallet_version":', l.wallet_version,
          ',"description":', coalesce(to_json(l.description)::text, 'null'),
          ',"reference":', coalesce(to_json(l.reference)::text, 'null'),
          ',"created_at":"', to_char(l.created_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '"}')
        when l.type <> 'TRANSFER_OUT' and l.transfer_id is null then concat(
          '{"id":"', l.id, '","wallet_id":"', l.wallet_id, '","type":"', l.type, '","status":"COMPLETED","amount":"', l.amount,
          '","currency":"', w.currency, '","balance_after":"', l.balance_after, '","wallet_version":', l.wallet_version,
          ',"transfer_id":null,"counterparty_wallet_id":null,"description":', coalesce(to_json(l.description)::text, 'null'),
          ',"reference":', coalesce(to_json(l.reference)::text, 'null'),
          ',"failure_code":null,"created_at":"', to_char(l.created_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '"}')
      end,
      201) as answer
  from wallet_transactions l
  left join wallets w on w.id = l.wallet_id
  left join transfer_sagas s on s.id = l.transfer_id
  where l.type <> 'TRANSFER_IN' and s.id is null
  union all
  select
    id, created_at >= now() - interval '24 hours' or status = 'INITIATED',
    hashtextextended(
      concat(
        '{"id":"', id, '","type":"SAGA","status":"INITIATED","sender_wallet_id":"', sender_wallet_id,
        '","receiver_wallet_id":"', receiver_wallet_id, '","amount":"', amount, '","currency":"', currency,
        '","failure_code":null,"description":', coalesce(to_json(description)::text, 'null'),
        ',"reference":', coalesce(to_json(reference)::text, 'null'),
        ',"created_at":"', to_char(created_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        '","updated_at":"', to_char(created_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '"}'),
      -- A saga knows its key.
      hashtextextended(idempotency_key, 202))
  from transfer_sagas
  union all
  select
    id, created_at >= now() - interval '24 hours',
    hashtextextended(
      concat(
        '{"id":"', id, '","user_id":', to_json(user_id), ',"currency":"', currency,
        '","balance":"0.0000","held":"0.0000","available":"0.0000","status":"ACTIVE","version":1',
        ',"created_at":"', to_char(created_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        '","updated_at":"', to_char(created_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '"}'),
      201)
  from wallets
), answers as materialized (
  select
    m.id as made_id, m.is_recent, k.status_code,
    case when m.id is null then k.key end as key,
    case when m.id is null then k.response end as response
  from idempotency_keys k
  left join made m
    on m.answer = hashtextextended(k.response, case k.status_code when 202 then hashtextextended(k.key, 202) else k.status_code end)
), others as materialized (
  select key, status_code, response, response is json object as is_object from answers where made_id is null
), parsed as materialized (
  select k.key, k.status_code, coalesce(a.transaction_id, a.id) as names, a.*
  from (select key, status_code, response from others where is_object offset 0) k
  cross join lateral json_to_record(k.response::json) as a (
    id uuid, code text, transaction_id uuid, type text, status text, amount numeric, currency text,
    wallet_id uuid, balance_after numeric, wallet_version bigint,
    from_wallet_id uuid, to_wallet_id uuid, from_balance_after numeric, from_wallet_version bigint,
    sender_wallet_id uuid, receiver_wallet_id uuid,
    user_id text, available numeric, version bigint
  )
), wrong as (
  select key from others where status_code not in (200, 201, 202, 422) or not is_object
  union all
  select a.key
  from parsed a
  left join wallet_transactions l on l.id = a.names
  left join transfer_sagas s on s.id = a.names
  left join wallets w on w.id = coalesce(a.id, l.wallet_id)
  where not coalesce(
    case
      when a.status_code = 422 and a.code = 'insufficient_funds' then
        l.status = 'FAILED' or (s.status = 'FAILED' and s.failure_code = 'insufficient_funds')
      when a.status_code = 422 then
        a.code is not null and a.transaction_id is null
      when a.from_wallet_id is not null then
        a.status_code = 201 and l.type = 'TRANSFER_OUT' and l.status = 'COMPLETED' and l.transfer_id = a.id
        and (l.wallet_id, l.counterparty_wallet_id, l.amount, l.balance_after, l.wallet_version)
          = (a.from_wallet_id, a.to_wallet_id, a.amount, a.from_balance_after, a.from_wallet_version)
      when a.balance_after is not null then
        a.status_code = 201 and l.status = 'COMPLETED' and l.transfer_id is null
        and (l.wallet_id, l.type, l.amount, l.balance_after, l.wallet_version)
          = (a.wallet_id, a.type, a.amount, a.balance_after, a.wallet_version)
      when a.sender_wallet_id is not null then
        a.status_code = 202 and s.idempotency_key = a.key
        and (s.sender_wallet_id, s.receiver_wallet_id, s.amount, s.currency)
          = (a.sender_wallet_id, a.receiver_wallet_id, a.amount, a.currency)
      when a.available is not null then
        a.status_code in (200, 201) and (w.user_id, w.currency) = (a.user_id, a.currency) and w.version >= a.version
    end, false)
), answered as (
  -- What of the recent was answered, as often as it was.
  select made_id as id from answers where is_recent
  union all
  -- 200 is the answer of a freeze: it makes nothing, and may be given again and again.
  select m.id from parsed a join made m on m.id = a.names where m.is_recent and a.status_code <> 200
)
select
  count(*) filter (where status_code < 300) as "I4_answers_happened.successes",
  count(*) filter (where status_code = 422) as "I4_answers_happened.refusals",
  not exists (select from wrong) as "I4_answers_happened.sound",
  (select count(*) from made where is_recent) as "I4_lines_answered_once.made",
  (select (count(*), sum(uuid_hash_extended(id, 0))) from answered)
    is not distinct from (select (count(*), sum(uuid_hash_extended(id, 0))) from made where is_recent) as "I4_lines_answered_once.sound"
from answers;
