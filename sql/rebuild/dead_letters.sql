-- schema: history
--
-- The messages that the rebuild could not apply.
select topic, partition, "offset"::text as "offset", reason
from history_rebuild.dead_letters
order by topic, partition, dead_letters."offset"
limit 20
