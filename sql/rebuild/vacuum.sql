-- schema: history
--
-- Room for what is to come, and the planner's statistics, which go with the tables.
vacuum (analyze) history_rebuild.transaction_events, history_rebuild.stream_positions, history_rebuild.gaps,
  history_rebuild.ledger_accounts, history_rebuild.ledger_entries, history_rebuild.ledger_totals,
  history_rebuild.ledger_decisions, history_rebuild.ledger_backlog
