-- schema: history
-- Only functions write, as 0005 has it for the wallet: the service's role stores events and posts to the ledger by the calls
-- that check them, and in no other way.

do $$
declare
  v_function regprocedure;
begin
  foreach v_function in array array_remove(array[
    to_regprocedure('record_events(integer, text)'),
    to_regprocedure('record_traced_events(integer, text, text)'),
    to_regprocedure('repeat_decisions(uuid[])'),
    to_regprocedure('continue_ledger()'),
    to_regprocedure('freeze_account(text, boolean)')], null)
  loop
    execute format('alter function %s security definer', v_function);
  end loop;
  -- A rebuild makes these tables beside the live ones, and has no outbox of its own at this point.
  if to_regclass('outbox') is not null then
    revoke insert on outbox from history_app;
  end if;
end $$;

revoke insert, update, delete on transaction_events, stream_positions, gaps, ledger_accounts, ledger_entries,
  ledger_totals, ledger_decisions, ledger_backlog from history_app;
