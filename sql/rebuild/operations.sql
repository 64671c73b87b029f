-- schema: history
--
-- What a rebuild does with its tables, as functions of the schema history_rebuild; they go away with it.

-- Several partitions' events in one transaction, a JSON array for each. Answers which of them were not new.
create function record_window(p_partitions int[], p_events text[])
returns table (partition int, ordinal int, outcome text)
language sql
set search_path from current
as $$
  select part.partition, recorded.ordinal, recorded.outcome
  from unnest(p_partitions, p_events) as part (partition, events)
  cross join lateral record_events(part.partition, part.events) as recorded
$$;

-- Decisions as the topic tells them, an array of {transaction_id, outcome, reason, event_id, payload, created_at}, the payload
-- as text. Answers the ordinals of those that contradict an earlier one.
create function tell_decisions(p_decisions text)
returns table (ordinal int)
language plpgsql
set search_path from current
as $$
begin
  insert into ledger_decisions (transaction_id, outcome, reason, event_id, payload, created_at)
  select distinct on (told.transaction_id)
    told.transaction_id, told.outcome, told.reason, told.event_id, told.payload::json, told.created_at
  from rows from (
    jsonb_to_recordset(p_decisions::jsonb)
      as (transaction_id uuid, outcome text, reason text, event_id uuid, payload text, created_at timestamptz)
  ) with ordinality as told (transaction_id, outcome, reason, event_id, payload, created_at, n)
  order by told.transaction_id, told.n
  on conflict do nothing;

  return query
    select told.n::int
    from rows from (jsonb_to_recordset(p_decisions::jsonb) as (transaction_id uuid, payload text))
      with ordinality as told (transaction_id, payload, n)
    join ledger_decisions known on known.transaction_id = told.transaction_id
    where known.payload::text <> told.payload
    order by told.n;
end
$$;

-- Decisions of the live ledger that the topic has not told, because they are on their way or because it has lost them: whatever
-- is decided stays decided. Answers how many there are.
create function take_over_decisions()
returns int
language sql
set search_path from current
as $$
  with taken as (
    insert into ledger_decisions (transaction_id, outcome, reason, event_id, payload, created_at)
    select transaction_id, outcome, reason, event_id, payload, created_at
    from history.ledger_decisions live
    where not exists (select from ledger_decisions built where built.transaction_id = live.transaction_id)
    on conflict do nothing
    returning 1
  )
  select count(*)::int from taken
$$;

-- Which of these events the live tables hold.
create function known_live(p_ids uuid[])
returns table (id uuid)
language sql
set search_path from current
as $$
  select live.id from history.transaction_events live where live.id = any (p_ids)
$$;

-- Events that the live tables hold and the rebuilt ones do not.
create function not_rebuilt()
returns table (id uuid)
language sql
set search_path from current
as $$
  select live.id from history.transaction_events live
  where not exists (select from transaction_events built where built.id = live.id)
$$;

-- How many events the rebuilt tables hold and the live ones do not, or not yet.
create function count_ahead()
returns int
language sql
set search_path from current
as $$
  select count(*)::int from transaction_events built
  where not exists (select from history.transaction_events live where live.id = built.id)
$$;

-- What the live tables know and the topics do not tell, these withheld events aside: it would be lost in a swap.
create function count_losses(p_withheld uuid[])
returns table (events int, decisions int)
language sql
set search_path from current
as $$
  select
    (
      select count(*)::int
      from history.transaction_events live
      where not exists (select from transaction_events built where built.id = live.id) and live.id <> all (p_withheld)
    ),
    (
      select count(*)::int
      from history.ledger_decisions live
      where not exists (
        select from ledger_decisions built
        where built.transaction_id = live.transaction_id and built.payload::text = live.payload::text)
    )
$$;

-- Messages that cannot be applied, an array of {topic, partition, offset, reason}. The live service keeps their bytes.
create function set_aside(p_letters text)
returns void
language sql
set search_path from current
as $$
  insert into dead_letters (topic, partition, "offset", headers, reason)
  select letter.topic, letter.partition, letter."offset", '{}', letter.reason
  from jsonb_to_recordset(p_letters::jsonb) as letter (topic text, partition int, "offset" bigint, reason text)
  on conflict do nothing
$$;
