-- schema: history
--
-- The ledger: double-entry postings out of the wallets' events, and its decisions on sagas. Written by apply_ledger() alone,
-- in the call that stores the events.

create table ledger_accounts (
  id text collate "C" primary key,
  kind varchar(8) not null,
  currency char(3) not null,
  balance numeric(24, 4),
  applied_version bigint,
  frozen boolean not null default false,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint ledger_accounts_kind_known check (kind in ('wallet', 'external', 'clearing')),
  constraint ledger_accounts_wallet_has_balance
    check ((kind = 'wallet') = (balance is not null) and (kind = 'wallet') = (applied_version is not null)),
  constraint ledger_accounts_balance_not_negative check (balance >= 0),
  constraint ledger_accounts_version_not_negative check (applied_version >= 0)
) with (fillfactor = 70);

comment on table ledger_accounts is
  'One row per account. A page keeps room (fillfactor) so that an update of the balance stays on it and touches no index.';
comment on column ledger_accounts.id is 'A wallet''s id, or the kind and the currency: external:USD, clearing:USD.';
comment on column ledger_accounts.kind is
  'wallet: what is owed to its owner. external: the world outside, negative by what came in. clearing: transfers whose two sides are not both
posted yet, zero at rest.';
comment on column ledger_accounts.balance is
  'Credits less debits, of a wallet''s account. Wider than a wallet''s balance: sagas towards the wallet are posted by other partitions while its own
payments may still be on their way. Null for the others: every partition would queue for their one row; theirs is a sum over ledger_totals.';
comment on constraint ledger_accounts_balance_not_negative on ledger_accounts is
  'Holds at every moment, not only at rest: after version v of a wallet, its account has at least what the wallet had available then. A saga is
debited here while the wallet still holds it, and credited here before the wallet knows it.';
comment on column ledger_accounts.applied_version is
  'The wallet''s last version that the ledger has applied; 0 for one that was met as a receiver before its own events. Null for the others.';
comment on column ledger_accounts.frozen is
  'The ledger refuses sagas from and to it. Not the wallet''s own freeze, and of no effect on what the wallet reports as done.';

create table ledger_entries (
  id uuid not null default uuidv7(),
  movement_id uuid not null,
  transaction_id uuid not null,
  transfer_id uuid,
  account_id text collate "C" not null,
  direction varchar(6) collate "C" not null,
  amount numeric(19, 4) not null,
  balance_after numeric(24, 4),
  created_at timestamptz not null,
  primary key (account_id, id),
  constraint ledger_entries_side_once unique (movement_id, account_id, direction),
  constraint ledger_entries_direction_known check (direction in ('DEBIT', 'CREDIT')),
  constraint ledger_entries_amount_positive check (amount > 0)
);

comment on table ledger_entries is
  'The postings, append-only: two entries each, a debit and a credit of one amount. No foreign key to the accounts, whose rows would be locked once
more for each entry; a check compares the two.';
comment on column ledger_entries.id is 'Drawn while the account is locked, so it grows along a wallet''s account.';
comment on column ledger_entries.movement_id is
  'The movement of money that the entry belongs to: the transfer, the saga, or the funding or withdrawal. With account and direction it occurs once,
which is what makes an event, or a saga, post once; and it finds all entries of a movement.';
comment on column ledger_entries.transaction_id is 'The line of the wallet that was posted, or the saga.';
comment on column ledger_entries.balance_after is 'Of a wallet''s account, the balance behind this entry; null for the others, which have no order.';

create table ledger_totals (
  partition smallint not null,
  account_kind varchar(8) collate "C" not null,
  currency char(3) not null,
  debits numeric not null,
  credits numeric not null,
  primary key (partition, account_kind, currency)
) with (fillfactor = 10);

comment on table ledger_totals is
  'Sums of all entries, by the partition of the events that were posted. record_events() takes turns within a partition, so nobody waits for a row;
the trial balance and the accounts without a balance of their own are a sum over a few rows instead of over all entries.';

create table ledger_decisions (
  transaction_id uuid primary key,
  outcome varchar(7) not null,
  reason varchar(40),
  event_id uuid not null,
  payload json not null,
  created_at timestamptz not null,
  constraint ledger_decisions_outcome_known check (outcome in ('SUCCESS', 'FAILED')),
  constraint ledger_decisions_failure_named check ((outcome = 'FAILED') = (reason is not null))
);

comment on table ledger_decisions is 'What the ledger has decided on each saga, once and for all; append-only.';
comment on column ledger_decisions.transaction_id is 'The saga.';
comment on column ledger_decisions.reason is 'Why it was refused: currency_mismatch, account_frozen, insufficient_funds.';
comment on column ledger_decisions.payload is 'The decision''s event; json, not jsonb: asked again, the ledger answers the same bytes.';

create table ledger_backlog (
  wallet_id uuid primary key,
  partition smallint not null
);

comment on table ledger_backlog is
  'Wallets with stored events that the ledger has not applied although nothing is missing before them: a gap has closed in front of more events than
one call may apply. continue_ledger() goes on with them; empty at rest.';

create trigger ledger_entries_append_only
  before update or delete or truncate on ledger_entries
  for each statement execute function refuse_change();

create trigger ledger_decisions_append_only
  before update or delete or truncate on ledger_decisions
  for each statement execute function refuse_change();

-- Any id of a movement finds it: a line of a settled saga is posted under the saga's id, and only its event knows both.
create index transaction_events_transaction_id on transaction_events (transaction_id) where transaction_id is not null;

grant select, insert, update (balance, applied_version, frozen, updated_at) on ledger_accounts to history_app;
grant select, insert on ledger_entries to history_app;
grant select, insert, update (debits, credits) on ledger_totals to history_app;
grant select, insert on ledger_decisions to history_app;
grant select, insert, delete on ledger_backlog to history_app;
