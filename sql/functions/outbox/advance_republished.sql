-- schema: wallet, history
-- Records how far the events to be sent once more are acknowledged, and prolongs the lease.
-- False: another process holds the lease by now, and nothing has moved.

create or replace function advance_republished(
  p_epoch bigint, p_lease_ms integer, p_sent_id bigint, p_complete boolean
) returns boolean language plpgsql as $$
begin
  update relay_state
     set republish_from_id = case when p_complete then null else p_sent_id + 1 end,
         republish_to_id = case when p_complete then null else republish_to_id end,
         lease_until = clock_timestamp() + p_lease_ms * interval '1 ms'
   where epoch = p_epoch;
  return found;
end $$ set search_path from current;

do $$ begin
  revoke execute on function advance_republished from public;
  execute format('grant execute on function advance_republished to %I', current_schema() || '_app');
end $$;
