-- schema: wallet, history
-- Gives the lease back, so that the next process need not wait for its end.

create or replace function release_lease(p_epoch bigint) returns void language sql as $$
  update relay_state set holder = null, lease_until = '-infinity' where epoch = p_epoch;
$$ set search_path from current;

do $$ begin
  revoke execute on function release_lease from public;
  execute format('grant execute on function release_lease to %I', current_schema() || '_app');
end $$;
