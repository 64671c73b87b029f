-- schema: wallet, history
-- The outbox: events that are written in the transaction that they tell of, the relay's place in them, and dead letters.

create table outbox (
  id bigint generated always as identity (cache 1),
  xid xid8 not null default pg_current_xact_id(),
  event_id uuid not null,
  aggregate_id uuid not null,
  type varchar(30) not null,
  payload json not null,
  traceparent varchar(55),
  created_at timestamptz not null default clock_timestamp(),
  primary key (id, created_at)
) partition by range (created_at);

create table outbox_default partition of outbox default;

create index outbox_xid on outbox (xid);

comment on table outbox is 'Events on their way to the topic, one partition for each day (UTC); days whose events are all sent are dropped after a week.';
comment on column outbox.id is 'The order of publication. Drawn while the wallet''s row is locked and never cached in a session, so a wallet''s later event has the higher id.';
comment on column outbox.xid is 'The transaction that wrote the row: the relay publishes what its last snapshot did not see.';
comment on column outbox.event_id is 'The event''s own id. Not unique here: an event of a stuck saga is written again.';
comment on column outbox.aggregate_id is 'The wallet: the message''s key.';
comment on column outbox.payload is 'The message''s value; json, not jsonb, so that the bytes are kept.';
comment on column outbox.traceparent is 'W3C Trace Context of the request that caused the event.';
comment on table outbox_default is 'Takes what no day''s partition does, should the days ahead ever be missing; create_outbox_days() empties it.';

create table relay_state (
  singleton boolean primary key default true,
  holder text,
  epoch bigint not null default 0,
  lease_until timestamptz not null default '-infinity',
  last_snapshot pg_snapshot not null default '1:1:',
  target_snapshot pg_snapshot,
  sent_id bigint,
  until_id bigint,
  republish_from_id bigint,
  republish_to_id bigint,
  system_identifier bigint not null,
  constraint relay_state_one_row check (singleton),
  constraint relay_state_target_has_position check ((target_snapshot is null) = (sent_id is null) and (target_snapshot is null) = (until_id is null)),
  constraint relay_state_republish_range check ((republish_from_id is null) = (republish_to_id is null))
) with (fillfactor = 10);

-- The identifier is read here, as the owner; the relay compares it with the server that it finds itself on.
insert into relay_state (system_identifier) select system_identifier from pg_control_system();

comment on table relay_state is 'How far the outbox is published, and who may publish. A page keeps room (fillfactor), because this one row changes with every send.';
comment on column relay_state.holder is 'The process that publishes.';
comment on column relay_state.epoch is 'Grows with every change of holder; every move of this row is conditional on it, so a holder that slept through its lease moves nothing.';
comment on column relay_state.lease_until is 'By the database''s clock. Not a session lock: a process that is paused would keep that for ever.';
comment on column relay_state.last_snapshot is 'All rows that are visible in it are published. It starts as the snapshot that sees nothing.';
comment on column relay_state.target_snapshot is 'The snapshot that is being published: its rows that last_snapshot does not see, in order of id. It becomes last_snapshot when all are acknowledged.';
comment on column relay_state.sent_id is 'Within target_snapshot, everything up to this id is published.';
comment on column relay_state.until_id is 'The highest id in target_snapshot that last_snapshot does not see: what came later is not searched.';
comment on column relay_state.republish_from_id is 'Rows from here to republish_to_id are sent once more, because an operator said so.';
comment on column relay_state.system_identifier is 'Of the database server that the snapshots belong to: elsewhere their transaction numbers mean nothing.';

create table dead_letters (
  id uuid primary key default uuidv7(),
  topic text not null,
  partition integer not null,
  "offset" bigint not null,
  key bytea,
  value bytea,
  headers jsonb not null,
  reason text not null,
  created_at timestamptz not null default clock_timestamp(),
  replayed_at timestamptz,
  constraint dead_letters_message_once unique (topic, partition, "offset")
);

comment on table dead_letters is 'Messages that could not be applied, as they came. Their partition went on without them.';
comment on column dead_letters.reason is 'Why, for a person.';
comment on column dead_letters.replayed_at is 'When an operator had it applied after all.';

do $$
declare
  app constant text := current_schema() || '_app';
begin
  -- Neither xid nor created_at can be given by the service: what it writes is always new.
  execute format('grant select, insert (event_id, aggregate_id, type, payload, traceparent) on outbox to %I', app);
  execute format('grant select, update on relay_state to %I', app);
  execute format('grant select, insert, update (replayed_at) on dead_letters to %I', app);
end $$;
