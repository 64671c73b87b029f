-- schema: history
-- mark_replayed: notes that an operator had a dead letter applied after all; the first time counts.

create or replace function mark_replayed(p_id uuid) returns void language sql as $$
  update dead_letters set replayed_at = clock_timestamp() where id = p_id and replayed_at is null;
$$ set search_path from current;

revoke execute on function mark_replayed(uuid) from public;
grant execute on function mark_replayed(uuid) to history_app;
