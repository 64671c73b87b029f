-- schema: wallet
-- always: what a kept answer says is what is stored: a 2xx happened, a refusal moved nothing
-- look: answers

-- The members of an answer tell what it is of: from_wallet_id a transfer, balance_after a line, sender_wallet_id a saga,
-- available a wallet, code a refusal.
with offending as materialized (
  select 'an answer is not one that is kept' as fault, key, status_code, response
  from idempotency_keys
  where status_code not in (200, 201, 202, 422) or response is not json object
  union all
  select 'the answer names nothing that is so', k.key, k.status_code, k.response
  from (
    select key, status_code, response from idempotency_keys where response is json object offset 0
  ) k
  cross join lateral json_to_record(k.response::json) as a (
    id uuid, code text, transaction_id uuid, type text, status text, amount numeric, currency text,
    wallet_id uuid, balance_after numeric, wallet_version bigint,
    from_wallet_id uuid, to_wallet_id uuid, from_balance_after numeric, from_wallet_version bigint,
    sender_wallet_id uuid, receiver_wallet_id uuid,
    user_id text, available numeric, version bigint
  )
  left join wallet_transactions l on l.id = coalesce(a.transaction_id, a.id)
  left join transfer_sagas s on s.id = coalesce(a.transaction_id, a.id)
  left join wallets w on w.id = coalesce(a.id, l.wallet_id)
  where not coalesce(
    case
      when k.status_code = 422 and a.code = 'insufficient_funds' then
        l.status = 'FAILED' or (s.status = 'FAILED' and s.failure_code = 'insufficient_funds')
      when k.status_code = 422 then
        a.code is not null and a.transaction_id is null
      when a.from_wallet_id is not null then
        k.status_code = 201 and l.type = 'TRANSFER_OUT' and l.status = 'COMPLETED' and l.transfer_id = a.id
        and (l.wallet_id, l.counterparty_wallet_id, l.amount, l.balance_after, l.wallet_version)
          = (a.from_wallet_id, a.to_wallet_id, a.amount, a.from_balance_after, a.from_wallet_version)
      when a.balance_after is not null then
        k.status_code = 201 and l.status = 'COMPLETED' and l.transfer_id is null
        and (l.wallet_id, l.type, l.amount, l.balance_after, l.wallet_version)
          = (a.wallet_id, a.type, a.amount, a.balance_after, a.wallet_version)
      when a.sender_wallet_id is not null then
        k.status_code = 202 and s.idempotency_key = k.key
        and (s.sender_wallet_id, s.receiver_wallet_id, s.amount, s.currency)
          = (a.sender_wallet_id, a.receiver_wallet_id, a.amount, a.currency)
      when a.available is not null then
        k.status_code in (200, 201) and (w.user_id, w.currency) = (a.user_id, a.currency) and w.version >= a.version
    end, false)
)
select fault, key, status_code, left(response, 200) as response
from offending
order by fault, key
limit 100;
