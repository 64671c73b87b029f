-- schema: history
--
-- Holds back whatever writes the live tables until the transaction ends; reads go on. Whoever writes takes these locks
-- first, so that nobody waits here who holds something already: record_events() the one on stream_positions,
-- continue_ledger() the one on ledger_backlog, which nothing else reads, freeze_account() the one on ledger_accounts.
lock table history.ledger_backlog in access exclusive mode;
lock table history.stream_positions in exclusive mode;
lock table history.ledger_accounts in exclusive mode;
