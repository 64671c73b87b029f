import type { Story } from "./check.fixture.ts";

/** Ways in which a database may be wrong, at least one for each check. */

/** What is done to the database, and which check must name what. */
export interface Damage {
  readonly what: string;
  readonly sql: (story: Story) => string;
  readonly found: string;
  readonly named: (story: Story) => string;
}

const EMPTY_JSON = "'{}'";
export const DAMAGES: Damage[] = [
  {
    what: "a balance that came from nowhere",
    sql: ({ bob }) => `update wallet.wallets set balance = balance + 1 where id = '${bob}'`,
    found: "I1_money_conserved",
    named: () => '"difference":"1.0000"',
  },
  {
    what: "a transfer whose receiver got less",
    sql: ({ transfer }) =>
      `update wallet.wallet_transactions set amount = 9 where transfer_id = '${transfer}' and type = 'TRANSFER_IN'`,
    found: "I1_transfers_balance",
    named: ({ transfer }) => transfer,
  },
  {
    what: "a transfer with one line",
    sql: ({ transfer }) =>
      `delete from wallet.wallet_transactions where transfer_id = '${transfer}' and type = 'TRANSFER_IN'`,
    found: "I1_transfers_balance",
    named: ({ transfer }) => transfer,
  },
  {
    what: "a transfer that arrived twice",
    sql: ({ transfer }) => `
      insert into wallet.wallet_transactions
      select uuidv7(), wallet_id, 99, type, status, amount, balance_after, transfer_id, counterparty_wallet_id, null, null, null, created_at
      from wallet.wallet_transactions where transfer_id = '${transfer}' and type = 'TRANSFER_IN'`,
    found: "I1_transfers_balance",
    named: ({ transfer }) => transfer,
  },
  {
    what: "a transfer between two currencies",
    sql: ({ bob }) => `update wallet.wallets set currency = 'EUR' where id = '${bob}'`,
    found: "I1_transfers_balance",
    named: ({ transfer }) => transfer,
  },
  {
    what: "a funding that names a transfer",
    sql: ({ alice, transfer }) =>
      `update wallet.wallet_transactions set transfer_id = '${transfer}' where wallet_id = '${alice}' and type = 'FUND'`,
    found: "I1_transfers_balance",
    named: () => "money from or to the outside names a transfer",
  },
  {
    what: "a negative balance",
    sql: ({ bob }) => `
      alter table wallet.wallets drop constraint wallets_balance_not_negative, drop constraint wallets_held_within_balance;
      update wallet.wallets set balance = -1 where id = '${bob}'`,
    found: "I2_holds",
    named: ({ bob }) => bob,
  },
  {
    what: "a hold that no saga has",
    sql: ({ bob }) => `update wallet.wallets set held = 1 where id = '${bob}'`,
    found: "I2_holds",
    named: ({ bob }) => bob,
  },
  {
    what: "a balance that is not the last line's",
    sql: ({ alice }) => `
      update wallet.wallet_transactions set balance_after = balance_after + 1
      where (wallet_id, wallet_version) = (
        select wallet_id, max(wallet_version) from wallet.wallet_transactions where wallet_id = '${alice}' group by wallet_id)`,
    found: "I3_balances_add_up",
    named: ({ alice }) => alice,
  },
  {
    what: "a line of no wallet",
    sql: ({ transfer }) =>
      `update wallet.wallet_transactions set wallet_id = '01890000-0000-7000-8000-00000000dead' where id = '${transfer}'`,
    found: "I3_balances_add_up",
    named: ({ transfer }) => transfer,
  },
  {
    what: "a line that does not continue the one before it",
    sql: ({ transfer }) => `update wallet.wallet_transactions set balance_after = 7 where id = '${transfer}'`,
    found: "I3_lines_continue",
    named: ({ transfer }) => transfer,
  },
  {
    what: "an answer of money that did not move",
    sql: ({ transfer }) => `update wallet.wallet_transactions set amount = 11 where id = '${transfer}'`,
    found: "I4_answers_happened",
    named: ({ transfer }) => transfer,
  },
  {
    what: "an answer that is not JSON",
    sql: () => "insert into wallet.idempotency_keys values ('odd', '', 201, 'nothing')",
    found: "I4_answers_happened",
    named: () => "odd",
  },
  {
    what: "a transfer that was never answered",
    sql: ({ transfer }) => `delete from wallet.idempotency_keys where response like '%"id":"${transfer}"%'`,
    found: "I4_lines_answered_once",
    named: ({ transfer }) => transfer,
  },
  {
    what: "a transfer that was answered under two keys",
    sql: ({ transfer }) => `
      insert into wallet.idempotency_keys
      select 'again', fingerprint, status_code, response from wallet.idempotency_keys where response like '{"id":"${transfer}"%'`,
    found: "I4_lines_answered_once",
    named: ({ transfer }) => transfer,
  },
  {
    what: "a saga that was answered under two keys",
    sql: ({ settled }) => `
      insert into wallet.idempotency_keys
      select 'again', fingerprint, status_code, response from wallet.idempotency_keys where response like '%"id":"${settled}"%'`,
    found: "I4_lines_answered_once",
    named: ({ settled }) => settled,
  },
  {
    what: "a refusal that moved money",
    sql: ({ refused }) =>
      `update wallet.wallet_transactions set balance_after = balance_after - 1 where id = '${refused}'`,
    found: "I4_refusals_moved_nothing",
    named: ({ refused }) => refused,
  },
  {
    what: "a refused saga that moved money",
    sql: ({ settled }) =>
      `update wallet.transfer_sagas set status = 'FAILED', failure_code = 'x' where id = '${settled}'`,
    found: "I4_refusals_moved_nothing",
    named: ({ settled }) => settled,
  },
  {
    what: "an event of another amount",
    sql: ({ transfer }) =>
      `update history.transaction_events set amount = 11, event_data = event_data || '{"amount":"11.0000"}' where transaction_id = '${transfer}'`,
    found: "I5_history_complete",
    named: ({ alice }) => alice,
  },
  {
    what: "an event that got lost",
    sql: ({ bob }) =>
      `delete from history.transaction_events where wallet_id = '${bob}' and event_type = 'WALLET_FROZEN'`,
    found: "I5_history_complete",
    named: ({ bob }) => bob,
  },
  {
    what: "a wallet that the history has never heard of",
    sql: ({ bob }) => `delete from history.transaction_events where wallet_id = '${bob}'`,
    found: "I5_history_complete",
    named: ({ bob }) => bob,
  },
  {
    what: "a wallet that only the history knows",
    sql: ({ alice, bob }) =>
      `insert into history.transaction_events
       select uuidv7(), '00000000-0000-7000-8000-000000000000', user_id, amount, event_type, transaction_id, 1, occurred_at, created_at, 1, 1, event_data
       from history.transaction_events where wallet_id in ('${alice}', '${bob}') limit 1`,
    found: "I5_history_complete",
    named: () => "00000000-0000-7000-8000-000000000000",
  },
  {
    what: "events out of the order of their time",
    sql: ({ alice }) =>
      `update history.transaction_events set occurred_at = occurred_at + interval '1 day' where wallet_id = '${alice}' and wallet_version = 2`,
    found: "I5_time_order",
    named: ({ alice }) => alice,
  },
  {
    what: "an event whose columns are not what it says",
    sql: ({ bob }) =>
      `update history.transaction_events set user_id = 'mallory' where wallet_id = '${bob}' and wallet_version = 2`,
    found: "I5_time_order",
    named: ({ bob }) => bob,
  },
  {
    what: "an event that was not published",
    sql: ({ alice }) =>
      `insert into history.outbox (event_id, aggregate_id, type, payload) values (uuidv7(), '${alice}', 'LEDGER_SUCCESS', ${EMPTY_JSON})`,
    found: "I6_outbox_sent",
    named: ({ alice }) => alice,
  },
  {
    what: "a dead letter",
    sql: () =>
      `insert into wallet.dead_letters (topic, partition, "offset", headers, reason) values ('t', 0, 0, ${EMPTY_JSON}, 'planted')`,
    found: "I6_no_dead_letters",
    named: () => "planted",
  },
  {
    what: "a gap",
    sql: ({ alice }) => `insert into history.gaps (wallet_id, from_version, to_version) values ('${alice}', 5, 6)`,
    found: "I6_no_gaps",
    named: ({ alice }) => alice,
  },
  {
    what: "a posting with one side",
    sql: ({ transfer, bob }) =>
      `delete from history.ledger_entries where movement_id = '${transfer}' and account_id = '${bob}'`,
    found: "I7_postings_balance",
    named: () => "a posting does not balance",
  },
  {
    what: "a posting whose sides differ",
    sql: ({ settled, alice }) =>
      `update history.ledger_entries set amount = 6 where movement_id = '${settled}' and account_id = '${alice}'`,
    found: "I7_postings_balance",
    named: ({ settled }) => settled,
  },
  {
    what: "an entry of an account that is not there",
    sql: ({ bob }) => `delete from history.ledger_accounts where id = '${bob}'`,
    found: "I7_postings_balance",
    named: ({ bob }) => bob,
  },
  {
    what: "a trial balance that the entries do not bear out",
    sql: () => "update history.ledger_totals set debits = debits + 1, credits = credits + 1",
    found: "I7_postings_balance",
    named: () => "the totals are not the sums of the entries",
  },
  {
    what: "money that never came out of clearing",
    sql: () => "update history.ledger_totals set credits = credits + 1 where account_kind = 'clearing'",
    found: "I7_clearing_empty",
    named: () => '"clearing":"1.0000"',
  },
  {
    what: "events that the ledger has not applied",
    sql: ({ bob }) => `update history.ledger_accounts set applied_version = 2 where id = '${bob}'`,
    found: "I7_clearing_empty",
    named: ({ bob }) => bob,
  },
  {
    what: "a ledger that has applied more than there is",
    sql: ({ bob }) => `update history.ledger_accounts set applied_version = applied_version + 1 where id = '${bob}'`,
    found: "I7_clearing_empty",
    named: ({ bob }) => bob,
  },
  {
    what: "an account whose balance is not its entries'",
    sql: ({ bob }) => `update history.ledger_accounts set balance = balance + 1 where id = '${bob}'`,
    found: "I7_accounts_add_up",
    named: ({ bob }) => bob,
  },
  {
    what: "an entry that does not continue the one before it",
    sql: ({ transfer, bob }) =>
      `update history.ledger_entries set balance_after = 7 where movement_id = '${transfer}' and account_id = '${bob}'`,
    found: "I7_accounts_add_up",
    named: ({ bob }) => bob,
  },
  {
    what: "an event that was not posted",
    sql: ({ transfer, alice }) =>
      `delete from history.ledger_entries where movement_id = '${transfer}' and account_id in ('${alice}', 'clearing:USD')`,
    found: "I7_events_posted",
    named: ({ transfer }) => transfer,
  },
  {
    what: "a posting of nothing that happened",
    sql: ({ alice }) => `
      insert into history.ledger_entries (id, movement_id, transaction_id, account_id, direction, amount, balance_after, created_at)
      select uuidv7(), '${alice}', '${alice}', account_id, direction, 1, 1, now()
      from (values ('${alice}', 'CREDIT'), ('external:USD', 'DEBIT')) as side (account_id, direction)`,
    found: "I7_events_posted",
    named: ({ alice }) => alice,
  },
  {
    what: "a saga that the ledger has passed over",
    sql: ({ waiting }) => `delete from history.ledger_decisions where transaction_id = '${waiting}'`,
    found: "I7_events_posted",
    named: ({ waiting }) => waiting,
  },
  {
    what: "a saga that was settled although the ledger refused it",
    sql: ({ settled }) =>
      `update history.ledger_decisions set outcome = 'FAILED', reason = 'account_frozen' where transaction_id = '${settled}'`,
    found: "I7_events_posted",
    named: ({ settled }) => settled,
  },
  {
    what: "a ledger that does not know the wallet's balance",
    sql: ({ bob }) => `update wallet.wallets set balance = balance + 1 where id = '${bob}'`,
    found: "I7_ledger_equals_wallets",
    named: ({ bob }) => bob,
  },
];
