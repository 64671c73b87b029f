-- schema: history
--
-- version_at: the version that a wallet had at a moment, 0 before its first event. Bounds a wallet's list in time, and
-- finds its balance then.
--
-- The time of a wallet's events never runs against their versions, so the unique index on (wallet_id, wallet_version) is
-- enough to find a time by halving: about 20 look-ups among a million events. An index on (wallet_id, occurred_at) would
-- find it in one, but cost every event that is stored; walking down from the newest event would cost the depth.
create or replace function version_at(p_wallet_id uuid, p_at timestamptz)
returns bigint
language plpgsql
stable
set enable_seqscan = off
set search_path from current
as $$
declare
  v_low bigint := 0;  -- a version that the wallet had reached by then
  v_high bigint;  -- a version that it had not
  v_middle bigint;
  v_version bigint;
  v_occurred_at timestamptz;
begin
  if p_at = '-infinity' then
    return 0;
  end if;

  select wallet_version, occurred_at into v_version, v_occurred_at
  from transaction_events
  where wallet_id = p_wallet_id
  order by wallet_version desc
  limit 1;
  if not found then
    return 0;
  end if;
  if v_occurred_at <= p_at then
    return v_version;
  end if;

  v_high := v_version;
  while v_low + 1 < v_high loop
    v_middle := (v_low + v_high) / 2;
    select wallet_version, occurred_at into v_version, v_occurred_at
    from transaction_events
    where wallet_id = p_wallet_id and wallet_version >= v_middle
    order by wallet_version
    limit 1;
    if v_occurred_at <= p_at then
      v_low := v_version;
    else
      -- What lies between the middle and the version found, if anything, has not arrived.
      v_high := v_middle;
    end if;
  end loop;
  return v_low;
end
$$;

comment on function version_at(uuid, timestamptz) is
  'The highest version of the wallet that occurred at or before the moment, of those that have arrived; 0 if none.';

revoke execute on function version_at(uuid, timestamptz) from public;
grant execute on function version_at(uuid, timestamptz) to history_app;
