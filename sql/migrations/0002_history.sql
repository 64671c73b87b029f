-- schema: history
--
-- The audit trail: what happened to every wallet, as the wallet service told it through the topic.
-- One row per event, written by record_events() alone, never changed and never removed.

do $$
begin
  create role history_app nologin;
exception
  -- Another migration, of another database of this cluster, was first.
  when duplicate_object or unique_violation then null;
end $$;

grant usage on schema history to history_app;

create table transaction_events (
  id uuid primary key,
  wallet_id uuid not null,
  user_id varchar(100) collate "C" not null,
  amount numeric(19, 4) not null,
  event_type varchar(30) collate "C" not null,
  transaction_id uuid,
  wallet_version bigint not null,
  occurred_at timestamptz not null,
  created_at timestamptz not null default clock_timestamp(),
  partition smallint not null,
  position bigint not null,
  event_data jsonb not null,
  constraint transaction_events_version_once unique (wallet_id, wallet_version),
  constraint transaction_events_version_from_one check (wallet_version >= 1),
  constraint transaction_events_amount_not_negative check (amount >= 0)
);

-- Activity of a user, over all wallets, by time; the id makes the order total, so that pages neither skip nor repeat.
create index transaction_events_user_id on transaction_events (user_id, occurred_at, id);

-- The stream. Not unique, although positions are: ON CONFLICT DO NOTHING, which the batch is stored with, would pass over an
-- event in silence if its position were ever taken, and a place in the stream is worth less than an event.
create index transaction_events_position on transaction_events (partition, position);

comment on table transaction_events is
  'The audit trail: every event of every wallet, once, append-only. Complete when a wallet''s versions run from 1 without gaps.';
comment on column transaction_events.id is 'The event''s id (CloudEvents id), given by the wallet service; what makes a redelivery harmless.';
comment on column transaction_events.user_id is 'The wallet''s owner. Collated "C": it is compared for equality only, and that is the cheapest to keep an index in.';
comment on column transaction_events.amount is
  'What the event moved, or tried to move; 0 where nothing moves.';
comment on column transaction_events.transaction_id is 'The line or the saga that the event belongs to; null for created, frozen, unfrozen.';
comment on column transaction_events.wallet_version is 'The event''s number within its wallet, from 1, without holes. Time never runs against it.';
comment on column transaction_events.occurred_at is 'When it happened, by the wallet database''s clock.';
comment on column transaction_events.created_at is 'When it was stored here.';
comment on column transaction_events.partition is 'The partition of the topic that it came by, and the lane in which its position counts.';
comment on column transaction_events.position is
  'Its place in the order in which the events of one partition became visible here: what a live stream resumes from. Neither time nor id nor the
broker''s offset can serve: several processes commit at once, so a later id may become visible first; an offset comes back from zero in a topic that was made
anew; and a dead letter that is replayed becomes visible long after its neighbours. Positions only grow; they are not dense.';
comment on column transaction_events.event_data is 'The event as it was published, all fields, those that this version does not know included.';

create table stream_positions (
  partition smallint primary key,
  last_position bigint not null
);

comment on table stream_positions is
  'Per partition of the topic, the position last given to an event. record_events() locks its row first, so that positions become visible in their
order, and so that two processes which both believe to own a partition (a rebalance) take turns.';

create table gaps (
  wallet_id uuid not null,
  from_version bigint not null,
  to_version bigint not null,
  created_at timestamptz not null default clock_timestamp(),
  primary key (wallet_id, from_version),
  constraint gaps_range_not_empty check (from_version >= 1 and to_version >= from_version)
);

comment on table gaps is
  'Versions of a wallet that have not arrived although later ones have. Recorded and cleared by record_events(); empty at rest.';
comment on column gaps.from_version is 'The first missing version. A range, not a row per version: one event may skip any number of them.';
comment on column gaps.to_version is 'The last missing version of this range, inclusive.';
comment on column gaps.created_at is 'When this range was first seen to be missing; the pieces of a range that was filled in part keep its time.';

create function refuse_change() returns trigger language plpgsql set search_path from current as $$
begin
  raise exception '% is append-only: % is refused', tg_table_name, tg_op using errcode = 'insufficient_privilege';
end $$;

comment on function refuse_change() is 'Makes a table append-only, for its owner too.';

create trigger transaction_events_append_only
  before update or delete or truncate on transaction_events
  for each statement execute function refuse_change();

grant select, insert on transaction_events to history_app;
grant select, insert, update on stream_positions to history_app;
grant select, insert, delete on gaps to history_app;
