-- schema: wallet
-- Only functions write: what the service's role may do with these tables is read them. Whoever gets hold of a connection of
-- the service can then ask for operations, each with its line, its event and its checks, and set no balance.
--
-- On a database at work the functions get their owner's rights in the same transaction that takes the role's away, so that
-- servers of either version go on without a break. On a fresh one they are made with them.

do $$
declare
  v_function regprocedure;
begin
  foreach v_function in array array_remove(array[
    to_regprocedure('apply_operations(json, json)'),
    to_regprocedure('resend_reservations(integer, integer)'),
    to_regprocedure('remove_expired_keys(integer)')], null)
  loop
    execute format('alter function %s security definer', v_function);
  end loop;
end $$;

revoke insert, update, delete on wallets, wallet_transactions, transfer_sagas, idempotency_keys, outbox from wallet_app;
