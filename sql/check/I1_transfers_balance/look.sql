-- schema: wallet
-- always: each transfer has two completed lines, out of one wallet and into another of its currency, of one amount

-- Told by 64-bit hashes: the lines out and the lines in are of the same transfers, wallets, amounts and currencies, each transfer
-- once.
select
  count(*) filter (where is_out) as transfers,
  coalesce(sum(amount) filter (where is_out), 0) as moved,
  count(*) filter (where is_out) = count(*) filter (where is_in)
    and count(*) filter (where is_out) = count(distinct transfer_id) filter (where is_out)
    and coalesce(sum(from_to) filter (where is_out), 0) = coalesce(sum(from_to) filter (where is_in), 0)
    and count(*) filter (where is_out or is_in) = count(from_to) filter (where is_out or is_in)
    and count(*) filter (where odd) = 0 as sound
from (
  select
    l.transfer_id, l.amount,
    l.status = 'COMPLETED' and l.type = 'TRANSFER_OUT' as is_out,
    l.status = 'COMPLETED' and l.type = 'TRANSFER_IN' as is_in,
    uuid_hash_extended(
      l.transfer_id, uuid_hash_extended(
        case l.type when 'TRANSFER_IN' then l.counterparty_wallet_id else l.wallet_id end, uuid_hash_extended(
          case l.type when 'TRANSFER_IN' then l.wallet_id else l.counterparty_wallet_id end,
          hashtextextended(w.currency::text, hash_numeric_extended(l.amount, 0))))) as from_to,
    l.wallet_id = l.counterparty_wallet_id
      or (l.type in ('FUND', 'WITHDRAW') and (l.transfer_id is not null or l.counterparty_wallet_id is not null)) as odd
  from wallet_transactions l
  left join wallets w on w.id = l.wallet_id
  offset 0
) l;
