-- schema: wallet
-- Removes a chunk of idempotency keys that have lived long enough, and gives their number.
--
-- A key lives for 25 hours by the database's clock: a day, and an hour for clients whose day is longer. Internal keys live as
-- long, so that `bun run check` can hold every answer of a day against what happened. The key of an unfinished saga stays.
-- In chunks, and by one server at a time, so that this never holds up a payment.
create or replace function remove_expired_keys(p_chunk integer)
returns integer
language plpgsql volatile
security definer
set search_path from current
as $$
declare
  v_removed integer;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('wallet.remove_expired_keys', 0)) then
    return 0;
  end if;
  with expired as (
    select k.key
      from idempotency_keys k
     where k.created_at < now() - interval '25 hours'
       and not exists (select from transfer_sagas s where s.idempotency_key = k.key and s.status = 'INITIATED')
     limit p_chunk
  )
  delete from idempotency_keys k using expired e where k.key = e.key;
  get diagnostics v_removed = row_count;
  return v_removed;
end $$;

revoke execute on function remove_expired_keys(integer) from public;
grant execute on function remove_expired_keys(integer) to wallet_app;
comment on function remove_expired_keys(integer) is 'Removes a chunk of idempotency keys that have lived long enough.';
