-- schema: history
--
-- The rebuild is over: its functions, stand-ins, and tables that were not put in place.
drop schema if exists history_rebuild cascade;
