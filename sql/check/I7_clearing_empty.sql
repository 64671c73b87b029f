-- schema: history
-- at rest: no money is between two wallets, and the ledger has applied every event
-- look: ledger

select 'money is between two wallets' as fault, currency, sum(credits - debits) as clearing
from ledger_totals
where account_kind = 'clearing'
group by currency
having sum(credits - debits) <> 0
order by currency
limit 100;

select
  'the ledger has not applied just the events' as fault, coalesce(e.account_id, a.id) as wallet_id, a.applied_version,
  e.version as stored_version
from (select wallet_id::text as account_id, max(wallet_version) as version from transaction_events group by wallet_id) e
full join (select id, applied_version from ledger_accounts where kind = 'wallet') a on a.id = e.account_id
where coalesce(a.applied_version, 0) <> coalesce(e.version, 0)
order by wallet_id
limit 100;
