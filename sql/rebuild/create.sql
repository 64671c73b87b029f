-- schema: history
--
-- The place of the tables that a rebuild fills; what an interrupted one has left goes away.
drop schema if exists history_rebuild cascade;
create schema history_rebuild;
