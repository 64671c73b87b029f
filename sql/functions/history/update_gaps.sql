-- schema: history
--
-- update_gaps: brings the gaps of some wallets up to date with the events that a call of record_events() has just stored,
-- those of p_partition behind p_after. Called only where a version was out of its turn, hence rarely.
--
-- A wallet's open ranges are its gaps, and what lies between the highest version known before and the highest now. Every
-- version that arrived cuts the range that it falls into; the pieces that are left are the gaps.
create or replace function update_gaps(p_partition int, p_after bigint, p_wallet_ids uuid[], p_prior_versions bigint[])
returns void
language sql
set enable_seqscan = off
set search_path from current
as $$
  with arrived as materialized (
    select wallet_id, wallet_version
    from transaction_events
    where partition = p_partition and position > p_after and wallet_id = any (p_wallet_ids)
  ),
  cut as (
    delete from gaps
    using arrived
    where gaps.wallet_id = arrived.wallet_id and arrived.wallet_version between gaps.from_version and gaps.to_version
    returning gaps.wallet_id, gaps.from_version, gaps.to_version, gaps.created_at
  ),
  ranges as (
    select wallet_id, from_version, to_version, created_at from cut
    union all
    select prior.wallet_id, prior.version + 1, max(arrived.wallet_version), clock_timestamp()
    from unnest(p_wallet_ids, p_prior_versions) as prior (wallet_id, version)
    join arrived on arrived.wallet_id = prior.wallet_id and arrived.wallet_version > prior.version
    group by prior.wallet_id, prior.version
  ),
  marks as (
    select wallet_id, from_version, created_at, from_version - 1 as mark from ranges
    union all
    select wallet_id, from_version, created_at, to_version + 1 from ranges
    union all
    select ranges.wallet_id, ranges.from_version, ranges.created_at, arrived.wallet_version
    from ranges
    join arrived on arrived.wallet_id = ranges.wallet_id
      and arrived.wallet_version between ranges.from_version and ranges.to_version
  ),
  pieces as (
    select
      wallet_id, created_at, mark + 1 as from_version,
      lead(mark) over (partition by wallet_id, from_version order by mark) - 1 as to_version
    from marks
  )
  insert into gaps (wallet_id, from_version, to_version, created_at)
  select wallet_id, from_version, to_version, created_at
  from pieces
  where from_version <= to_version
$$;

comment on function update_gaps(int, bigint, uuid[], bigint[]) is
  'Records the versions that are missing from some wallets, and clears those that have arrived.';

revoke execute on function update_gaps(int, bigint, uuid[], bigint[]) from public;
grant execute on function update_gaps(int, bigint, uuid[], bigint[]) to history_app;
