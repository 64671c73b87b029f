-- schema: wallet, history
-- at rest: every event in the outbox is published

select
  (select count(*) from outbox) as events,
  (select republish_from_id is not null from relay_state) as republishing;

-- The rows that the relay's last snapshot does not see, less those of its target that are acknowledged.
select 'an event is not published' as fault, o.id, o.type, o.aggregate_id, o.event_id, o.created_at
from relay_state s
cross join lateral (
  select * from outbox where xid = any (array(select pg_snapshot_xip(s.last_snapshot)))
  union all
  select * from outbox where xid >= pg_snapshot_xmax(s.last_snapshot)
) o
where s.target_snapshot is null or o.id > s.sent_id or not pg_visible_in_snapshot(o.xid, s.target_snapshot)
order by o.id
limit 100;

select 'events are being published once more' as fault, republish_from_id, republish_to_id
from relay_state
where republish_from_id is not null;
