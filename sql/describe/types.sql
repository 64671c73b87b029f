-- schema: wallet, history
-- Composite types that are no table's.

select concat(
    format(E'create type %I as (\n', t.typname),
    (
      select string_agg(
          format(
            '  %I %s%s', a.attname, format_type(a.atttypid, a.atttypmod),
            case when a.attcollation <> c.typcollation then ' collate ' || quote_ident(l.collname) end
          ),
          E',\n' order by a.attnum)
      from pg_attribute a
      join pg_type c on c.oid = a.atttypid
      left join pg_collation l on l.oid = a.attcollation
      where a.attrelid = t.typrelid and not a.attisdropped
    ),
    E'\n);\n',
    format('comment on type %I is ', t.typname) || quote_literal(obj_description(t.oid, 'pg_type')) || E';\n',
    (
      select string_agg(format(E'comment on column %I.%I is %L;\n', t.typname, a.attname, col_description(t.typrelid, a.attnum)), '' order by a.attnum)
      from pg_attribute a
      where a.attrelid = t.typrelid and col_description(t.typrelid, a.attnum) is not null
    )
  ) as text
from pg_type t
join pg_class r on r.oid = t.typrelid and r.relkind = 'c'
where t.typnamespace = $1::regnamespace
order by t.typname
