-- schema: history
--
-- What the topics do not tell is taken over from the live tables: when a row was stored, freezes, and the place of an event in
-- the stream, so that a client that has read up to some place goes on from there. Events that the live table did not have
-- come behind all others, as new: whoever follows the stream gets them now.
with lanes as (
  select partition, max(last_position) as last_position
  from (
    select partition, last_position from history.stream_positions
    union all
    select partition, 0 from history_rebuild.stream_positions
  ) both_sides
  group by partition
), places as (
  select
    built.id,
    case
      when live.id is not null then live.position
      else lanes.last_position + row_number() over (partition by built.partition, live.id is null order by built.position)
    end as position,
    coalesce(live.created_at, built.created_at) as created_at
  from history_rebuild.transaction_events built
  join lanes on lanes.partition = built.partition
  left join history.transaction_events live on live.id = built.id and live.partition = built.partition
)
update history_rebuild.transaction_events built
set position = places.position, created_at = places.created_at
from places
where places.id = built.id and (built.position, built.created_at) is distinct from (places.position, places.created_at);

insert into history_rebuild.stream_positions (partition, last_position)
select partition, last_position from history.stream_positions
on conflict (partition) do nothing;

update history_rebuild.stream_positions lane
set last_position = greatest(
  coalesce((select live.last_position from history.stream_positions live where live.partition = lane.partition), 0),
  coalesce((select max(e.position) from history_rebuild.transaction_events e where e.partition = lane.partition), 0)
);

update history_rebuild.ledger_accounts built
set frozen = live.frozen, created_at = live.created_at
from history.ledger_accounts live
where live.id = built.id and (built.frozen, built.created_at) is distinct from (live.frozen, live.created_at);
