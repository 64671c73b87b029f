-- schema: wallet, history
-- Records that everything up to p_sent_id of the target is acknowledged, and prolongs the lease.
-- False: another process holds the lease by now, and nothing has moved.

create or replace function advance_outbox(
  p_epoch bigint, p_lease_ms integer, p_target pg_snapshot, p_sent_id bigint, p_until_id bigint, p_complete boolean
) returns boolean language plpgsql as $$
begin
  update relay_state
     set last_snapshot = case when p_complete then p_target else last_snapshot end,
         target_snapshot = case when p_complete then null else p_target end,
         sent_id = case when p_complete then null else p_sent_id end,
         until_id = case when p_complete then null else p_until_id end,
         lease_until = clock_timestamp() + p_lease_ms * interval '1 ms'
   where epoch = p_epoch;
  return found;
end $$ set search_path from current;

do $$ begin
  revoke execute on function advance_outbox from public;
  execute format('grant execute on function advance_outbox to %I', current_schema() || '_app');
end $$;
