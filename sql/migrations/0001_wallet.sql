-- schema: wallet
-- Wallets, the lines of their accounts, sagas and idempotency keys: everything that changes in one call of apply_operations.

do $$
begin
  create role wallet_app nologin;
exception
  -- Another migration, of another database of this cluster, was first.
  when duplicate_object or unique_violation then null;
end $$;

grant usage on schema wallet to wallet_app;

create table wallets (
  id uuid primary key,
  user_id varchar(100) not null,
  currency char(3) not null,
  balance numeric(19, 4) not null,
  held numeric(19, 4) not null,
  status varchar(6) not null,
  version bigint not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint wallets_balance_not_negative check (balance >= 0),
  constraint wallets_held_within_balance check (held >= 0 and held <= balance),
  constraint wallets_status_known check (status in ('ACTIVE', 'FROZEN')),
  constraint wallets_version_from_one check (version >= 1)
) with (fillfactor = 70);

create index wallets_user_id on wallets (user_id, id);

comment on table wallets is 'One row per wallet: its present state. A page keeps room (fillfactor) so that an update of the balance stays on it and touches no index.';
comment on column wallets.user_id is 'The client''s own name for the owner: data, never markup or SQL.';
comment on column wallets.currency is 'ISO 4217 code; it never changes.';
comment on column wallets.balance is 'In units of the currency, scale 4. At most 99,999,999,999,999.9999 by a client''s operation; the column keeps ten times that, so that a settlement never overflows.';
comment on column wallets.held is 'The part of the balance that unfinished sagas have reserved; available = balance - held.';
comment on column wallets.version is 'Number of the wallet''s events so far. Every event takes the next one, under the row''s lock.';
comment on column wallets.updated_at is 'Time of the latest event; each event is at least 1 microsecond after the one before it, so time never runs against version order.';

create table wallet_transactions (
  id uuid primary key,
  wallet_id uuid not null,
  wallet_version bigint not null,
  type varchar(12) not null,
  status varchar(9) not null,
  amount numeric(19, 4) not null,
  balance_after numeric(19, 4) not null,
  transfer_id uuid,
  counterparty_wallet_id uuid,
  description varchar(255),
  reference varchar(100),
  failure_code varchar(40),
  created_at timestamptz not null,
  constraint wallet_transactions_version_once unique (wallet_id, wallet_version),
  constraint wallet_transactions_amount_positive check (amount > 0),
  constraint wallet_transactions_type_known check (type in ('FUND', 'WITHDRAW', 'TRANSFER_OUT', 'TRANSFER_IN')),
  constraint wallet_transactions_status_known check (status in ('COMPLETED', 'FAILED')),
  constraint wallet_transactions_failure_named check ((status = 'FAILED') = (failure_code is not null))
);

create index wallet_transactions_reference on wallet_transactions (wallet_id, reference, wallet_version) where reference is not null;

comment on table wallet_transactions is 'The lines of the wallets: one row per wallet and movement, never changed. A transfer has two, joined by transfer_id.';
comment on column wallet_transactions.wallet_id is 'Of wallets. No foreign key: only apply_operations() writes lines, under the lock of their wallets, which nobody may delete; checking each row a second time cost 13 % of a call (8 of 60 ms at 500 transfers). `bun run check` looks for lines without a wallet.';
comment on column wallet_transactions.wallet_version is 'The version that the wallet took with this line; lists page by it.';
comment on column wallet_transactions.amount is 'Always positive; the type tells the direction.';
comment on column wallet_transactions.balance_after is 'The wallet''s balance right after this line; for a failed line the unchanged balance.';
comment on column wallet_transactions.transfer_id is 'Joins the two lines of a movement: an instant transfer''s is the id of its TRANSFER_OUT line, a saga''s is the saga''s id; null for funding and withdrawal.';
comment on column wallet_transactions.reference is 'The client''s own id of the movement.';
comment on column wallet_transactions.failure_code is 'The problem code of a FAILED line.';

create table transfer_sagas (
  id uuid primary key,
  sender_wallet_id uuid not null references wallets (id),
  receiver_wallet_id uuid not null references wallets (id),
  amount numeric(19, 4) not null,
  currency char(3) not null,
  status varchar(9) not null,
  failure_code varchar(40),
  description varchar(255),
  reference varchar(100),
  idempotency_key text collate "C" not null,
  reservation_event json,
  resent_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint transfer_sagas_amount_positive check (amount > 0),
  constraint transfer_sagas_status_known check (status in ('INITIATED', 'SUCCESS', 'FAILED')),
  constraint transfer_sagas_failure_named check ((status = 'FAILED') = (failure_code is not null)),
  constraint transfer_sagas_two_wallets check (sender_wallet_id <> receiver_wallet_id)
);

create index transfer_sagas_sender on transfer_sagas (sender_wallet_id, id);
create index transfer_sagas_receiver on transfer_sagas (receiver_wallet_id, id);
create index transfer_sagas_unfinished on transfer_sagas (receiver_wallet_id) include (amount) where status = 'INITIATED';
create index transfer_sagas_unfinished_age on transfer_sagas (created_at) where status = 'INITIATED';
create index transfer_sagas_unfinished_key on transfer_sagas (idempotency_key) where status = 'INITIATED';

comment on table transfer_sagas is 'Transfers in which the ledger decides: INITIATED with the amount held, then SUCCESS or FAILED, once.';
comment on column transfer_sagas.idempotency_key is 'Kept so that the key of an unfinished saga outlives the clean-up of keys.';
comment on column transfer_sagas.reservation_event is 'The WALLET_RESERVED event byte for byte, sent again while the ledger has not answered.';
comment on column transfer_sagas.resent_at is 'When reservation_event was last sent again; null if it never was.';

create table idempotency_keys (
  key text collate "C" primary key,
  fingerprint bytea not null,
  status_code smallint not null,
  response text not null,
  created_at timestamptz not null default clock_timestamp(),
  constraint idempotency_keys_key_length check (octet_length(key) between 1 and 300)
);

create index idempotency_keys_created_at on idempotency_keys using brin (created_at) with (autosummarize = on);

comment on table idempotency_keys is 'What was answered under each Idempotency-Key, written in the transaction that moved the money.';
comment on column idempotency_keys.key is 'The client''s key, or a blank and the operation''s id where the client sent none: no client''s key can begin with a blank.';
comment on column idempotency_keys.fingerprint is 'SHA-256 of method, path and canonical body: the same key with another request is refused.';
comment on column idempotency_keys.response is 'The body of the answer, byte for byte.';

create type operation as (
  kind text,
  id uuid,
  out_line_id uuid,
  in_line_id uuid,
  wallet_id uuid,
  to_wallet_id uuid,
  amount numeric,
  user_id text,
  currency text,
  description text,
  reference text,
  failure_code text,
  if_match bigint[],
  key text collate "C",
  fingerprint text,
  instance text,
  request_id text,
  traceparent text
);

comment on type operation is 'One operation of a list for apply_operations.';
comment on column operation.kind is 'CREATE, FUND, WITHDRAW, TRANSFER, FREEZE, UNFREEZE, RESERVE, SETTLE or RELEASE.';
comment on column operation.id is 'The id of what the operation makes: wallet, line, transfer (its TRANSFER_OUT line) or saga. Of SETTLE and RELEASE: the saga.';
comment on column operation.out_line_id is 'RESERVE: the line of a refusal; SETTLE: the sender''s line.';
comment on column operation.in_line_id is 'TRANSFER and SETTLE: the receiver''s line.';
comment on column operation.failure_code is 'RELEASE: why the ledger refused.';
comment on column operation.if_match is 'Versions of which wallet_id must have one; null for any.';
comment on column operation.fingerprint is 'SHA-256 in hexadecimal.';
comment on column operation.instance is 'For the body of a refusal (RFC 9457): the path of the request.';

create type outcome as (
  status integer,
  code text,
  balance numeric,
  held numeric,
  wallet_status text,
  version bigint,
  at timestamptz,
  at_text text
);

comment on type outcome is 'What became of one operation, before its answer is written; balance, held, wallet_status and version are those of wallet_id right after it.';
comment on column outcome.at_text is 'The same as RFC 3339, in UTC with microseconds.';

create type effect as (
  operation integer,
  event_id uuid,
  wallet_id uuid,
  type text,
  payload text,
  traceparent text,
  line_id uuid,
  line_type text,
  amount numeric,
  balance_after numeric,
  version bigint,
  transfer_id uuid,
  counterparty_wallet_id uuid,
  description text,
  reference text,
  failure_code text,
  at timestamptz
);

comment on type effect is 'One event of one wallet, as it is published, and the line that goes with it where line_type is not null. It holds all that is written of it, so that nothing is looked up per row.';
comment on column effect.operation is 'Ordinal of the operation in its list, from 1.';
comment on column effect.line_id is 'The transaction_id of the event: of its line, of its saga, or null.';

grant select on wallets, wallet_transactions, transfer_sagas, idempotency_keys to wallet_app;
grant insert on wallets, wallet_transactions, transfer_sagas, idempotency_keys to wallet_app;
grant update (balance, held, status, version, updated_at) on wallets to wallet_app;
grant update (status, failure_code, resent_at, updated_at) on transfer_sagas to wallet_app;
grant delete on idempotency_keys to wallet_app;
