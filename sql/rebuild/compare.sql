-- schema: history
--
-- Compares the rebuilt tables with the live ones, row by row. One row for each table: how many rows each side has, how many
-- are on one side only, how many are on both and differ, and some keys of those.
--
-- Not compared is what the topics do not tell: when a row was stored, ids of entries, balances behind an entry (they depend
-- on how the partitions ran side by side), positions and freezes.
with events as (
  select
    'transaction_events' as name, coalesce(live.id, built.id)::text as key, live.id is not null as in_live, built.id is not null as in_built,
    (live.wallet_id, live.user_id, live.amount, live.event_type, live.transaction_id, live.wallet_version, live.occurred_at, live.partition, live.event_data)
      is distinct from
    (built.wallet_id, built.user_id, built.amount, built.event_type, built.transaction_id, built.wallet_version, built.occurred_at, built.partition, built.event_data)
      as differs
  from history.transaction_events live
  full join history_rebuild.transaction_events built on built.id = live.id
), gaps as (
  select
    'gaps', coalesce(live.wallet_id, built.wallet_id) || ' from ' || coalesce(live.from_version, built.from_version),
    live.wallet_id is not null, built.wallet_id is not null, live.to_version is distinct from built.to_version
  from history.gaps live
  full join history_rebuild.gaps built on built.wallet_id = live.wallet_id and built.from_version = live.from_version
), accounts as (
  select
    'ledger_accounts', coalesce(live.id, built.id), live.id is not null, built.id is not null,
    (live.kind, live.currency, live.balance, live.applied_version) is distinct from
    (built.kind, built.currency, built.balance, built.applied_version)
  from history.ledger_accounts live
  full join history_rebuild.ledger_accounts built on built.id = live.id
), entries as (
  select
    'ledger_entries',
    coalesce(live.movement_id, built.movement_id) || ' ' || coalesce(live.direction, built.direction) || ' ' || coalesce(live.account_id, built.account_id),
    live.movement_id is not null, built.movement_id is not null,
    (live.transaction_id, live.transfer_id, live.amount) is distinct from (built.transaction_id, built.transfer_id, built.amount)
  from history.ledger_entries live
  full join history_rebuild.ledger_entries built
    on built.movement_id = live.movement_id and built.account_id = live.account_id and built.direction = live.direction
), totals as (
  select
    'ledger_totals',
    coalesce(live.account_kind, built.account_kind) || ':' || coalesce(live.currency, built.currency) || ' of partition ' || coalesce(live.partition, built.partition),
    live.partition is not null, built.partition is not null,
    (live.debits, live.credits) is distinct from (built.debits, built.credits)
  from history.ledger_totals live
  full join history_rebuild.ledger_totals built
    on built.partition = live.partition and built.account_kind = live.account_kind and built.currency = live.currency
), decisions as (
  select
    'ledger_decisions', coalesce(live.transaction_id, built.transaction_id)::text,
    live.transaction_id is not null, built.transaction_id is not null,
    (live.outcome, live.reason, live.event_id, live.payload::text) is distinct from
    (built.outcome, built.reason, built.event_id, built.payload::text)
  from history.ledger_decisions live
  full join history_rebuild.ledger_decisions built on built.transaction_id = live.transaction_id
), compared as (
  select * from events
  union all select * from gaps
  union all select * from accounts
  union all select * from entries
  union all select * from totals
  union all select * from decisions
)
select
  names.name,
  count(*) filter (where in_live)::float8 as live,
  count(*) filter (where in_built)::float8 as rebuilt,
  count(*) filter (where not in_built)::float8 as only_live,
  count(*) filter (where not in_live)::float8 as only_rebuilt,
  count(*) filter (where in_live and in_built and differs)::float8 as different,
  coalesce((array_agg(key order by key) filter (where differs))[1:5], '{}') as examples
from (values
  (1, 'transaction_events'), (2, 'gaps'), (3, 'ledger_accounts'), (4, 'ledger_entries'), (5, 'ledger_totals'), (6, 'ledger_decisions')
) as names (ordinal, name)
left join compared on compared.name = names.name
group by names.ordinal, names.name
order by names.ordinal
