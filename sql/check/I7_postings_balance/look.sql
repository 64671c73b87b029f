-- schema: history
-- always: each posting of the ledger is a debit and a credit of one amount, and so debits equal credits in each currency

-- Told by 64-bit hashes: what is debited and what is credited are the same transactions and amounts, each transaction once.
with by_account as materialized (
  select
    account_id,
    count(*) as entries,
    coalesce(sum(amount) filter (where is_debit), 0) as debits,
    coalesce(sum(amount) filter (where not is_debit), 0) as credits,
    count(*) filter (where is_debit) as debit_count,
    coalesce(sum(hash) filter (where is_debit), 0) as debit_hash,
    coalesce(sum(hash) filter (where not is_debit), 0) as credit_hash
  from (
    select
      account_id, amount, direction = 'DEBIT' as is_debit,
      uuid_hash_extended(transaction_id, hash_numeric_extended(amount, 0)) as hash
    from ledger_entries
    offset 0
  ) e
  group by account_id
), by_kind as (
  select a.kind::text, a.currency, sum(e.debits) as debits, sum(e.credits) as credits
  from by_account e
  join ledger_accounts a on a.id = e.account_id
  group by a.kind, a.currency
), totals as (
  select account_kind::text as kind, currency, sum(debits) as debits, sum(credits) as credits
  from ledger_totals
  group by account_kind, currency
)
select
  coalesce(sum(entries), 0) as entries,
  coalesce(sum(debits), 0) as debits,
  coalesce(sum(credits), 0) as credits,
  coalesce(sum(debit_count), 0) * 2 = coalesce(sum(entries), 0)
    and coalesce(sum(debit_hash), 0) = coalesce(sum(credit_hash), 0)
    and coalesce(sum(debit_count), 0) = (select count(distinct transaction_id) from ledger_entries where direction = 'DEBIT')
    and not exists (select from by_account left join ledger_accounts a on a.id = account_id where a.id is null)
    and not exists (
      select from by_kind e
      full join totals t using (kind, currency)
      where e.debits is distinct from t.debits or e.credits is distinct from t.credits
    )
    and not exists (select from totals group by currency having sum(debits) <> sum(credits)) as sound
from by_account;
