-- schema: wallet, history
-- The schema itself, and who may use it.

select format(E'-- Schema %s\n\ncreate schema %1$s;\n', n.nspname) || coalesce((
    select string_agg(format(E'grant %s on schema %s to %s;\n', lower(a.privilege_type), n.nspname, a.grantee::regrole), '' order by a.privilege_type)
    from aclexplode(n.nspacl) a
    where a.grantee <> n.nspowner
  ), '') as text
from pg_namespace n
where n.nspname = $1
