-- schema: history
--
-- freeze_account: freezes an account of the ledger, or unfreezes it; a repetition changes nothing. The row is locked as
-- apply_ledger() locks it, so a saga is decided either before or behind it. Answers whether there is such an account.
create or replace function freeze_account(p_id text, p_frozen boolean)
returns boolean
language plpgsql
set enable_seqscan = off
security definer
set search_path from current
as $$
begin
  -- Never back, whatever the clock does: the account's next entries come behind this time.
  update ledger_accounts
     set frozen = p_frozen, updated_at = greatest(clock_timestamp(), updated_at)
   where id = p_id and frozen <> p_frozen;
  return found or exists (select from ledger_accounts where id = p_id);
end
$$;

comment on function freeze_account(text, boolean) is 'Freezes or unfreezes an account of the ledger; false if there is none of this id.';

revoke execute on function freeze_account(text, boolean) from public;
grant execute on function freeze_account(text, boolean) to history_app;
