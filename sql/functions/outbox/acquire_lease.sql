-- schema: wallet, history
-- Takes the relay's lease, or prolongs it.
--
-- standing is 'leader', 'follower' (another process holds it) or 'restored_elsewhere' (the state belongs to another
-- database server, so its transaction numbers mean nothing here: an operator must say from where to publish).

create or replace function acquire_lease(
  p_holder text, p_lease_ms integer, out standing text, out epoch bigint, out republishing boolean
) language plpgsql as $$
declare
  v_now constant timestamptz := clock_timestamp();
  -- A lease that ends later than any process asks for was written by a clock that has been set back since.
  v_implausible constant timestamptz := v_now + interval '1 minute';
begin
  update relay_state s
     set holder = p_holder,
         epoch = case when s.holder = p_holder and s.lease_until > v_now then s.epoch else s.epoch + 1 end,
         lease_until = v_now + p_lease_ms * interval '1 ms'
   where (s.holder is null or s.holder = p_holder or s.lease_until <= v_now or s.lease_until > v_implausible)
     and s.system_identifier = (select c.system_identifier from pg_control_system() c)
  returning 'leader', s.epoch, s.republish_from_id is not null
       into standing, epoch, republishing;
  if standing is null then
    select case when s.system_identifier = c.system_identifier then 'follower' else 'restored_elsewhere' end, s.epoch, false
      into standing, epoch, republishing
      from relay_state s, pg_control_system() c;
  end if;
end $$ set search_path from current;

do $$ begin
  revoke execute on function acquire_lease from public;
  execute format('grant execute on function acquire_lease to %I', current_schema() || '_app');
end $$;
