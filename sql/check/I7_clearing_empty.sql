-- schema: history
-- at rest: no money is between two wallets, and the ledger has applied every event

select
  (select coalesce(sum(credits - debits), 0) from ledger_totals where account_kind = 'clearing') as clearing,
  (select count(*) from ledger_backlog) as backlog;

select 'money is between two wallets' as fault, currency, sum(credits - debits) as clearing
from ledger_totals
where account_kind = 'clearing'
group by currency
having sum(credits - debits) <> 0
order by currency
limit 100;

select 'the ledger has not applied all events' as fault, e.wallet_id, a.applied_version, e.version as stored_version
from (select wallet_id, max(wallet_version) as version from transaction_events group by wallet_id) e
left join ledger_accounts a on a.id = e.wallet_id::text
where a.applied_version is distinct from e.version
order by e.wallet_id
limit 100;
