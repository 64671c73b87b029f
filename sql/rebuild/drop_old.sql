-- schema: history
--
-- What a swap has kept, once nobody wants it back.
drop schema if exists history_before_rebuild cascade;
