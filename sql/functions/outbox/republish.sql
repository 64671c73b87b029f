-- schema: wallet, history
-- Has every event from the id, or from the time, published once more; returns how many events now wait. For operators
-- only: after the broker has lost data, and after a restore of the database elsewhere (then everything that is left).
--
-- The epoch grows, so that a relay at work drops what it holds and begins anew from this state.

create or replace function republish(p_from_id bigint, p_from_time timestamptz) returns bigint language plpgsql as $$
declare
  v_state relay_state;
  v_here bigint;
  v_from bigint;
  v_to bigint;
begin
  select s.* into strict v_state from relay_state s for update;
  select c.system_identifier into strict v_here from pg_control_system() c;
  select max(o.id) into v_to from outbox o;
  if p_from_id is not null then
    v_from := p_from_id;
  else
    select min(o.id) into v_from from outbox o where o.created_at >= p_from_time;
  end if;

  if v_state.system_identifier <> v_here then
    -- Restored elsewhere: this server's transaction numbers began anew, so nothing tells what had been published, and
    -- everything that is left is published again, under a number (3, the first of any server) that every snapshot sees.
    update outbox set xid = '3';
    v_state.last_snapshot := '1:1:';
    v_from := null;
  end if;

  if v_from is null or v_to is null or v_from > v_to then
    v_from := null;
    v_to := null;
  end if;

  update relay_state
     set epoch = epoch + 1,
         holder = null,
         lease_until = '-infinity',
         last_snapshot = v_state.last_snapshot,
         -- Part of the target may be among what the broker has lost: all of it is sent again.
         target_snapshot = null,
         sent_id = null,
         until_id = null,
         republish_from_id = v_from,
         republish_to_id = v_to,
         system_identifier = v_here;

  return (
    select count(*)
      from outbox o
     where o.id between v_from and v_to or not pg_visible_in_snapshot(o.xid, v_state.last_snapshot));
end $$ set search_path from current;

revoke execute on function republish from public;
