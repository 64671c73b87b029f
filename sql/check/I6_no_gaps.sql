-- schema: history
-- always: no wallet's history has a hole

select count(*) as gaps from gaps;

select 'versions are missing' as fault, wallet_id, from_version, to_version, created_at
from gaps
order by created_at, wallet_id, from_version
limit 100;
