-- schema: history
--
-- What the swap has given to the live ledger was stored before, and told to those who follow the stream: it keeps its place and
-- its time. Nobody sees the table meanwhile, which this transaction has locked.
alter table history.transaction_events disable trigger transaction_events_append_only;

update history.transaction_events e
set position = before.position, created_at = before.created_at
from history_before_rebuild.stream_positions lane, history_before_rebuild.transaction_events before
where e.partition = lane.partition and e.position > lane.last_position
  and before.id = e.id and before.partition = e.partition;

alter table history.transaction_events enable trigger transaction_events_append_only;
