-- schema: wallet
-- Sends the reservations of sagas again that the ledger has not answered for p_after seconds: the original event, with the
-- same id, version and bytes, so that the ledger answers a second time and decides nothing anew. Gives their number.
--
-- The wallet never ends such a saga by itself: the ledger may have posted it.
create or replace function resend_reservations(p_after_s integer, p_chunk integer)
returns integer
language plpgsql volatile
security definer
set search_path from current
as $$
declare
  v_resent integer;
begin
  with stuck as (
    select s.id, s.sender_wallet_id, s.reservation_event
      from transfer_sagas s
     where s.status = 'INITIATED'
       and greatest(s.created_at, s.resent_at) < clock_timestamp() - make_interval(secs => p_after_s)
     order by s.created_at
     limit p_chunk
       for update skip locked
  ), marked as (
    update transfer_sagas s set resent_at = clock_timestamp() from stuck where s.id = stuck.id
  )
  insert into outbox (event_id, aggregate_id, type, payload)
  select (reservation_event ->> 'id')::uuid, sender_wallet_id, 'WALLET_RESERVED', reservation_event from stuck;
  get diagnostics v_resent = row_count;
  return v_resent;
end $$;

revoke execute on function resend_reservations(integer, integer) from public;
grant execute on function resend_reservations(integer, integer) to wallet_app;
comment on function resend_reservations(integer, integer) is 'Sends the reservations of unanswered sagas again.';
