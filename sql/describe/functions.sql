-- schema: wallet, history
-- Functions with their signatures and settings; their bodies are in sql/functions.

select concat(
    format(E'create function %I(%s)\n', f.proname, pg_get_function_arguments(f.oid)),
    format(
      '  returns %s language %s %s%s%s', pg_get_function_result(f.oid), l.lanname,
      case f.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end,
      case when f.proisstrict then ' strict' end,
      case when f.prosecdef then ' security definer' end
    ),
    (select string_agg(E'\n  set ' || setting, '' order by setting collate "C") from unnest(f.proconfig) setting),
    E';\n',
    format('comment on function %I(%s) is ', f.proname, pg_get_function_identity_arguments(f.oid))
      || quote_literal(obj_description(f.oid, 'pg_proc')) || E';\n',
    (
      select string_agg(
          format(
            E'grant execute on function %I(%s) to %s;\n', f.proname, pg_get_function_identity_arguments(f.oid),
            case when a.grantee = 0 then 'public' else a.grantee::regrole::text end
          ),
          '' order by a.grantee::regrole::text)
      -- Without an explicit list, everyone may call it.
      from aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) a
      where a.grantee <> f.proowner
    )
  ) as text
from pg_proc f
join pg_language l on l.oid = f.prolang
where f.pronamespace = $1::regnamespace
order by f.proname, pg_get_function_identity_arguments(f.oid)
