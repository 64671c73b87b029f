-- schema: history
--
-- Where the tables go that answer until now. Fails where an earlier rebuild's are still kept.
create schema history_before_rebuild;
