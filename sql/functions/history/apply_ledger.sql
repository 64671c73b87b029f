-- schema: history
--
-- apply_ledger: posts the stored events of some wallets, and decides the sagas among them. Called by record_events() in
-- the call that stored them, hence in its turn for the partition that all events of these wallets come by.
--
-- Each wallet is applied strictly by version: what lies behind a gap waits, for this wallet only, and what fills the gap
-- releases it. What is applied is said by `rules` below, and nothing else is posted.
--
-- The order of the steps is the guarantee:
--   1. what is to be applied is read: nobody else applies events of these wallets meanwhile;
--   2. all accounts are locked, by id, so that no two calls wait for each other: receivers of sagas belong to any partition;
--   3. only then are balances, freezes and decisions read, and each event is applied on the running state, in order of wallet
--      and version. Between wallets the order is free: what a wallet spends has been posted before it knew of it;
--   4. the outcome is written set-wise.
--
-- Measured: milliseconds of the whole call of record_events() for 1,000 events of 500 wallets, least and median of 70 calls,
-- all variants taking turns on a machine with other work:
--
--   33   48  without the ledger
--   64   99  as it is; the insert of the entries is 16 of it
--   66  101  with an id by uuidv7() for each entry: it asks for randomness each time
--   77  108  with the entries' rows made by array subscripts instead of unnest()
--  104  288  with the bounds of a wallet's events not materialized: they become a filter, and each wallet's whole history is read
create or replace function apply_ledger(p_partition int, p_wallet_ids uuid[])
returns void
language plpgsql volatile
set search_path from current
-- A plan made while a table was empty would scan it for ever.
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
#variable_conflict use_column
declare
  -- Half a second's work, a tenth of the statement's time-out. What is left goes to the backlog.
  most_events constant int := 10000;
  rfc3339 constant text := 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"';

  -- by event
  versions bigint[];
  postings text[];
  amounts numeric[];
  changes numeric[];          -- of the wallet's balance: amount, -amount, or null where nothing is posted
  event_currencies text[];
  directions text[];          -- of the wallet's entry; the other account has the opposite one
  wallet_ids text[];
  other_ids text[];           -- the other account of the posting
  transaction_ids uuid[];
  transfer_ids uuid[];
  wallet_slots int[];
  other_slots int[];          -- of a saga: its receiver
  decided boolean[];          -- of a saga: before this call
  granted boolean[];          -- of such a decision: it is a success whose postings are not here, as only a rebuild has them
  outcomes text[];            -- of a saga: by this call
  reasons text[];
  posted boolean[];
  wallet_balances numeric[];  -- behind the event
  other_balances numeric[];

  -- by account of a wallet, in order of id
  account_ids text[];
  currencies text[];
  balances numeric[];
  frozen boolean[];
  applied bigint[];

  event_count int;
  unknown int;
  sagas int;
  s int;
  o int;
  latest timestamptz;         -- when one of these accounts last changed, by its own word
  at timestamptz;
  draw text;                  -- randomness for the entries' ids
  id_head text;               -- of the entries' ids
  id_tail bigint;
begin
  with rules (event_type, posting, wallet_direction, other_account) as (values
    -- what the wallet reports    the wallet's entry      the other entry, in the other direction, goes to
    ('WALLET_FUNDED',    'OWN',  'CREDIT',               'external'),
    ('WALLET_WITHDRAWN', 'OWN',  'DEBIT',                'external'),
    ('TRANSFER_OUT',     'OWN',  'DEBIT',                'clearing'),
    ('TRANSFER_IN',      'OWN',  'CREDIT',               'clearing'),
    ('WALLET_RESERVED',  'SAGA', 'DEBIT',                'receiver')  -- where the ledger agrees
  ),
  wallets as materialized (
    select
      wallet.id,
      coalesce((select a.applied_version from ledger_accounts a where a.id = wallet.id::text), 0) as applied_version,
      coalesce((select min(g.from_version) from gaps g where g.wallet_id = wallet.id), 9223372036854775807) as gap_version
    from unnest(p_wallet_ids) as wallet (id)
    order by wallet.id
  ),
  pending as materialized (
    select
      e.wallet_id, e.wallet_version, e.event_type, e.amount, e.transaction_id,
      e.event_data ->> 'posting' as posting,
      e.event_data ->> 'currency' as currency,
      (e.event_data ->> 'transfer_id')::uuid as transfer_id,
      (e.event_data ->> 'counterparty_wallet_id')::uuid as counterparty_id
    from wallets
    cross join lateral (
      select *
      from transaction_events later
      where later.wallet_id = wallets.id
        and later.wallet_version > wallets.applied_version
        and later.wallet_version < wallets.gap_version
      order by later.wallet_version
      limit most_events
    ) e
    limit most_events
  ),
  ruled as materialized (
    select
      row_number() over (order by wallet_id, wallet_version) as n,
      pending.*,
      rules.wallet_direction,
      case rules.other_account when 'receiver' then counterparty_id::text else rules.other_account || ':' || currency end as other_id,
      case rules.other_account when 'receiver' then counterparty_id end as receiver_id
    from pending
    left join rules using (event_type, posting)
  ),
  sides as (
    select n, 1 as side, wallet_id as id from ruled
    union all
    select n, 2, receiver_id from ruled
  ),
  ranked as (
    -- A null ranks last, beyond the arrays.
    select n, side, id, dense_rank() over (order by id) as slot from sides
  ),
  slots as (
    select
      array_agg(slot order by n) filter (where side = 1) as of_wallets,
      array_agg(slot order by n) filter (where side = 2) as of_others,
      array_agg(distinct id::text order by id::text) filter (where id is not null) as account_ids
    from ranked
  )
  select
    count(*), count(*) filter (where posting <> 'NONE' and wallet_direction is null), count(receiver_id),
    array_agg(wallet_version order by n), array_agg(posting order by n), array_agg(amount order by n),
    array_agg(case wallet_direction when 'CREDIT' then amount when 'DEBIT' then -amount end order by n),
    array_agg(currency order by n), array_agg(wallet_direction order by n),
    array_agg(wallet_id::text order by n), array_agg(other_id order by n),
    array_agg(transaction_id order by n), array_agg(transfer_id order by n),
    (select of_wallets from slots), (select of_others from slots), (select account_ids from slots)
  into
    event_count, unknown, sagas, versions, postings, amounts, changes, event_currencies, directions,
    wallet_ids, other_ids,
    transaction_ids, transfer_ids, wallet_slots, other_slots, account_ids
  from ruled;

  if event_count = 0 then
    return;
  end if;
  if unknown > 0 then
    raise exception 'an event is to be posted, and there is no rule for it' using errcode = 'data_exception';
  end if;

  -- Step 2: the locks. Missing accounts first, in the same order: whoever makes one at the same time is waited for. The
  -- accounts of a currency come with its first wallet.
  insert into ledger_accounts (id, kind, currency, balance, applied_version, created_at, updated_at)
  select distinct on (id collate "C")
    id, kind, currency, case kind when 'wallet' then 0 end, case kind when 'wallet' then 0 end, now(), now()
  from (
    select n, wallet_ids[n] as id, 'wallet' as kind, event_currencies[n] as currency
    from generate_subscripts(versions, 1) n
    union all
    select n, other_ids[n], 'wallet', event_currencies[n]
    from generate_subscripts(versions, 1) n
    where postings[n] = 'SAGA'
    union all
    select 0, kind || ':' || currency, kind, currency
    from (select distinct unnest(event_currencies) as currency) currencies
    cross join (values ('external'), ('clearing')) as kinds (kind)
  ) wanted
  where not exists (select from ledger_accounts a where a.id = wanted.id)
  order by id collate "C", n
  on conflict do nothing;

  perform from ledger_accounts a where a.id = any (account_ids) order by a.id for no key update;

  -- Step 3: what is true now.
  select array_agg(a.currency::text order by slot), array_agg(a.balance order by slot), array_agg(a.frozen order by slot),
         array_agg(a.applied_version order by slot), max(a.updated_at)
    into currencies, balances, frozen, applied, latest
    from unnest(account_ids) with ordinality wanted (id, slot)
    join ledger_accounts a on a.id = wanted.id;

  if sagas > 0 then
    select
      array_agg(d.transaction_id is not null order by n),
      array_agg(
        d.outcome = 'SUCCESS' and not exists (select from ledger_entries e where e.movement_id = d.transaction_id) order by n)
      into decided, granted
      from generate_subscripts(transaction_ids, 1) n
      left join ledger_decisions d on d.transaction_id = transaction_ids[n] and postings[n] = 'SAGA';
  end if;

  posted := array_fill(false, array[event_count]);
  wallet_balances := array_fill(null::numeric, array[event_count]);
  other_balances := wallet_balances;

  for n in 1 .. event_count loop
    s := wallet_slots[n];
    continue when versions[n] <> applied[s] + 1;
    applied[s] := versions[n];
    continue when changes[n] is null;

    if postings[n] = 'SAGA' then
      continue when decided[n] and not granted[n];
      o := other_slots[n];
      if not decided[n] then
        reasons[n] := case
          when event_currencies[n] <> currencies[s] or event_currencies[n] <> currencies[o] then 'currency_mismatch'
          when frozen[s] or frozen[o] then 'account_frozen'
          when balances[s] < amounts[n] then 'insufficient_funds'
        end;
        outcomes[n] := case when reasons[n] is null then 'SUCCESS' else 'FAILED' end;
        continue when reasons[n] is not null;
      end if;
      balances[s] := balances[s] + changes[n];
      balances[o] := balances[o] - changes[n];
      wallet_balances[n] := balances[s];
      other_balances[n] := balances[o];
    else
      if event_currencies[n] <> currencies[s] then
        raise exception 'an event in % is to be posted to the account %, which is in %', event_currencies[n], account_ids[s], currencies[s]
          using errcode = 'data_exception';
      end if;
      balances[s] := balances[s] + changes[n];
      wallet_balances[n] := balances[s];
    end if;
    posted[n] := true;
  end loop;

  -- Step 4: write.
  -- Entries are in the order of their ids: also where the clock was set back, an account's next entry is later than its last. The
  -- millisecond is more than what lies between the two readings of the clock of earlier versions of this function.
  at := greatest(clock_timestamp(), latest + interval '1 ms');
  -- Ids of version 7 (RFC 9562), all of one time and half of one draw's randomness, then counted on. They grow along the accounts,
  -- which are locked. Not by uuidv7(): each session has a clock of its own there, which never goes back.
  draw := gen_random_uuid()::text;
  id_tail := ('x' || right(draw, 12))::bit(48)::bigint >> 1;
  id_head := lpad(to_hex(floor(extract(epoch from at) * 1000)::bigint), 12, '0');
  id_head := left(id_head, 8) || '-' || right(id_head, 4) || '-7' || substr(draw, 16, 9);

  update ledger_accounts a
     set balance = u.balance, applied_version = u.applied_version, updated_at = at
    from unnest(account_ids, balances, applied) as u (id, balance, applied_version)
   where a.id = u.id and (a.applied_version <> u.applied_version or a.balance <> u.balance);

  if true = any (posted) then
    with postings as materialized (
      select *
      from unnest(
        posted, transaction_ids, transfer_ids, amounts, event_currencies, directions, wallet_ids, wallet_balances, other_ids, other_balances
      ) with ordinality as posting (
        posted, transaction_id, transfer_id, amount, currency, direction, wallet_id, wallet_balance, other_id, other_balance, n
      )
      where posted
    ), written as (
      insert into ledger_entries (
        id, movement_id, transaction_id, transfer_id, account_id, direction, amount, balance_after, created_at
      )
      select
        (id_head || lpad(to_hex(id_tail + 2 * n + side), 12, '0'))::uuid,
        coalesce(transfer_id, transaction_id), transaction_id, transfer_id,
        case side when 1 then wallet_id else other_id end,
        case when (side = 1) = (direction = 'DEBIT') then 'DEBIT' else 'CREDIT' end,
        amount,
        case side when 1 then wallet_balance else other_balance end,
        at
      from postings
      cross join generate_series(1, 2) as side
      order by n, side
    )
    insert into ledger_totals as t (partition, account_kind, currency, debits, credits)
    select
      p_partition, side.account_kind, currency, coalesce(sum(amount) filter (where side.direction = 'DEBIT'), 0),
      coalesce(sum(amount) filter (where side.direction = 'CREDIT'), 0)
    from (
      select
        currency, direction, case when other_balance is null then split_part(other_id, ':', 1) else 'wallet' end as other_kind,
        sum(amount) as amount
      from postings
      group by 1, 2, 3
    ) sums
    cross join lateral (values
      ('wallet', direction),
      (other_kind, case direction when 'DEBIT' then 'CREDIT' else 'DEBIT' end)
    ) as side (account_kind, direction)
    group by side.account_kind, currency
    order by side.account_kind, currency
    on conflict (partition, account_kind, currency)
      do update set debits = t.debits + excluded.debits, credits = t.credits + excluded.credits;
  end if;

  if sagas > 0 then
    perform repeat_decisions(array(
      select transaction_ids[n] from generate_subscripts(decided, 1) n where decided[n] and versions[n] <= applied[wallet_slots[n]]));

    with answers as materialized (
      select n, uuidv7() as id, outcomes[n] as outcome
      from generate_subscripts(outcomes, 1) n
      where outcomes[n] is not null
    ), decisions as (
      insert into ledger_decisions (transaction_id, outcome, reason, event_id, payload, created_at)
      select transaction_ids[n], outcome, reasons[n], answers.id, row_to_json(payload), at
      from answers
      cross join lateral (
        select
          answers.id, 'LEDGER_' || outcome as type, transaction_ids[n] as transaction_id, wallet_ids[n] as wallet_id,
          other_ids[n] as receiver_wallet_id, amounts[n]::text as amount, event_currencies[n] as currency, reasons[n] as reason,
          to_char(at at time zone 'UTC', rfc3339) as occurred_at
      ) payload
      returning event_id, outcome, payload
    )
    insert into outbox (event_id, aggregate_id, type, payload, traceparent)
    select
      event_id, (payload ->> 'wallet_id')::uuid, 'LEDGER_' || outcome, payload,
      carried_traceparent((payload ->> 'transaction_id')::uuid)
    from decisions;
  end if;

  if event_count = most_events then
    insert into ledger_backlog (wallet_id, partition)
    select wallet.id, p_partition
    from unnest(p_wallet_ids) as wallet (id)
    join ledger_accounts a on a.id = wallet.id::text
    join transaction_events e on e.wallet_id = wallet.id and e.wallet_version = a.applied_version + 1
    on conflict do nothing;
  end if;
end
$$;

comment on function apply_ledger(int, uuid[]) is
  'Posts the stored events of these wallets, whose events come by this partition, and decides the sagas among them.';

revoke execute on function apply_ledger(int, uuid[]) from public;
grant execute on function apply_ledger(int, uuid[]) to history_app;
