-- schema: wallet, history
-- always: no message has been put aside without having been replayed

select count(*) as dead_letters, count(*) filter (where replayed_at is not null) as replayed from dead_letters;

select 'a message was put aside' as fault, id, topic, partition, "offset", reason, created_at
from dead_letters
where replayed_at is null
order by created_at, id
limit 100;
