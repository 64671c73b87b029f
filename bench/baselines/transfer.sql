-- One transfer in one call: what a single-call design would use in place of apply_operations(), with nothing in it that one
-- transfer does not need. Writes the same rows.
create or replace function bench_transfer(
  p_id uuid, p_in_line_id uuid, p_from uuid, p_to uuid, p_amount numeric, p_key text, p_fingerprint text
) returns table (status integer, response text)
language plpgsql volatile
set search_path = wallet
set plan_cache_mode = force_generic_plan
-- As in apply_operations(): a plan that was made while a table was small would scan it for ever.
set enable_seqscan = off
as $$
#variable_conflict use_column
declare
  v_from wallets;
  v_to wallets;
  v_key idempotency_keys;
  v_wallet wallets;
  v_at timestamptz;
  v_at_text text;
  v_refusal text;
  v_response text;
  v_event_ids constant uuid[] := array[uuidv7(), uuidv7()];
begin
  for v_wallet in select * from wallets w where w.id in (p_from, p_to) order by w.id for no key update loop
    if v_wallet.id = p_from then v_from := v_wallet; end if;
    if v_wallet.id = p_to then v_to := v_wallet; end if;
  end loop;
  -- Read under the lock: whoever used the key before has committed by now.
  select * into v_key from idempotency_keys i where i.key = p_key;
  if found then
    return query select case when v_key.fingerprint = decode(p_fingerprint, 'hex') then v_key.status_code::integer else 422 end, v_key.response;
    return;
  end if;
  if v_from.id is null or v_to.id is null then
    return query select 404, '{"code":"wallet_not_found"}';
    return;
  end if;
  v_refusal := case
    when p_from = p_to then 'same_wallet'
    when v_from.currency <> v_to.currency then 'currency_mismatch'
    when v_from.status = 'FROZEN' or v_to.status = 'FROZEN' then 'wallet_frozen'
    when v_from.balance - v_from.held < p_amount then 'insufficient_funds'
  end;
  if v_refusal is not null then
    v_response := '{"code":"' || v_refusal || '"}';
    insert into idempotency_keys (key, fingerprint, status_code, response) values (p_key, decode(p_fingerprint, 'hex'), 422, v_response);
    return query select 422, v_response;
    return;
  end if;

  v_at := greatest(clock_timestamp(), v_from.updated_at + interval '1 microsecond', v_to.updated_at + interval '1 microsecond');
  v_at_text := to_char(v_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
  v_from.balance := v_from.balance - p_amount;
  v_from.version := v_from.version + 1;
  v_to.balance := v_to.balance + p_amount;
  v_to.version := v_to.version + 1;

  update wallets w set balance = v_from.balance, version = v_from.version, updated_at = v_at where w.id = p_from;
  update wallets w set balance = v_to.balance, version = v_to.version, updated_at = v_at where w.id = p_to;

  insert into wallet_transactions (id, wallet_id, wallet_version, type, status, amount, balance_after, transfer_id,
      counterparty_wallet_id, created_at)
  values (p_id, p_from, v_from.version, 'TRANSFER_OUT', 'COMPLETED', p_amount, v_from.balance, p_id, p_to, v_at),
         (p_in_line_id, p_to, v_to.version, 'TRANSFER_IN', 'COMPLETED', p_amount, v_to.balance, p_id, p_from, v_at);

  insert into outbox (event_id, aggregate_id, type, payload)
  select e.event_id, e.wallet_id, e.type,
      ('{"id":"' || e.event_id || '","type":"' || e.type || '","wallet_id":"' || e.wallet_id || '","user_id":' || to_json(e.user_id)
      || ',"wallet_version":' || e.version || ',"transaction_id":"' || e.line_id || '","transfer_id":"' || p_id
      || '","counterparty_wallet_id":"' || e.other_id || '","amount":"' || p_amount::numeric(19, 4) || '","currency":"' || v_from.currency
      || '","balance_after":"' || e.balance || '","held_after":"' || e.held
      || '","posting":"OWN","description":null,"reference":null,"occurred_at":"' || v_at_text || '"}')::json
    from (values
      (1, v_event_ids[1], p_from, 'TRANSFER_OUT', v_from.user_id, v_from.version, p_id, p_to, v_from.balance, v_from.held),
      (2, v_event_ids[2], p_to, 'TRANSFER_IN', v_to.user_id, v_to.version, p_in_line_id, p_from, v_to.balance, v_to.held)
    ) e (n, event_id, wallet_id, type, user_id, version, line_id, other_id, balance, held)
   order by n;

  v_response := '{"id":"' || p_id || '","from_wallet_id":"' || p_from || '","to_wallet_id":"' || p_to
    || '","amount":"' || p_amount::numeric(19, 4) || '","currency":"' || v_from.currency
    || '","status":"COMPLETED","from_balance_after":"' || v_from.balance || '","from_wallet_version":' || v_from.version
    || ',"description":null,"reference":null,"created_at":"' || v_at_text || '"}';
  insert into idempotency_keys (key, fingerprint, status_code, response) values (p_key, decode(p_fingerprint, 'hex'), 201, v_response);
  return query select 201, v_response;
end $$;
