-- schema: history
-- always: the events of a wallet are in the order of their time, and what is shown of an event is what it says

with offending as materialized (
  select wallet_id, wallet_version, occurred_before
  from (
    select
      wallet_id, wallet_version, occurred_at,
      lag(occurred_at) over (partition by wallet_id order by wallet_version) as occurred_before
    from transaction_events
  ) e
  where occurred_at <= occurred_before
)
select
  'an event is not later than the one before it' as fault, wallet_id, wallet_version, e.id as event, e.occurred_at, occurred_before
from offending
join transaction_events e using (wallet_id, wallet_version)
order by wallet_id, wallet_version
limit 100;

with offending as materialized (
  select id as event, wallet_id, wallet_version, event_type, amount, event_data
  from transaction_events e
  where (
      e.id::text, e.event_type, e.wallet_id::text, e.user_id, e.wallet_version::text, e.transaction_id::text, e.amount::text,
      e.occurred_at
    ) is distinct from (
      event_data ->> 'id', event_data ->> 'type', event_data ->> 'wallet_id', event_data ->> 'user_id',
      event_data ->> 'wallet_version', event_data ->> 'transaction_id', event_data ->> 'amount',
      (event_data ->> 'occurred_at')::timestamptz
    )
)
select 'the columns of an event are not what it says' as fault, *
from offending
order by wallet_id, wallet_version
limit 100;
