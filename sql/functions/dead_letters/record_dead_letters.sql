-- schema: wallet, history
-- Keeps messages that cannot be applied, a JSON array of {topic, partition, offset, key, value, headers, reason}, key and
-- value in base64. A message that comes again keeps its first reason.

create or replace function record_dead_letters(p_letters text) returns void language sql as $$
  insert into dead_letters (topic, partition, "offset", key, value, headers, reason)
  select topic, partition, "offset", decode(key, 'base64'), decode(value, 'base64'), headers, reason
  from jsonb_to_recordset(p_letters::jsonb)
    as letter (topic text, partition int, "offset" bigint, key text, value text, headers jsonb, reason text)
  on conflict do nothing;
$$ set search_path from current;

do $$ begin
  revoke execute on function record_dead_letters from public;
  execute format('grant execute on function record_dead_letters to %I', current_schema() || '_app');
end $$;
