/** All but PostgreSQL's own, and `public`, where only extensions live. */
export const schemasQuery = `
  select quote_ident(nspname) as name from pg_catalog.pg_namespace
  where nspname !~ '^pg_' and nspname not in ('information_schema', 'public')
  order by nspname`

// The others take the schemas as $1. Objects that came with an extension are the extension's.

export const extensionsQuery = `
  select 'extension' as kind, 'extension ' || e.oid as key, quote_ident(e.extname) as name,
    n.oid::regnamespace::text as schema
  from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace
  where e.extname <> 'plpgsql' and $1::text[] is not null`

export const enumsQuery = `
  select 'enum' as kind, 'type ' || t.oid as key, format('%I.%I', n.nspname, t.typname) as name,
    (select array_agg(quote_literal(v.enumlabel) order by v.enumsortorder)
      from pg_catalog.pg_enum v where v.enumtypid = t.oid) as values
  from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace
  where t.typtype = 'e' and n.nspname = any($1)`

export const functionsQuery = `
  select 'function' as kind, 'function ' || p.oid as key, p.oid::regprocedure::text as name,
    pg_catalog.pg_get_functiondef(p.oid) as definition
  from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  where n.nspname = any($1) and p.prokind in ('f', 'p')
    and not exists (select from pg_catalog.pg_depend d where d.objid = p.oid and d.deptype = 'e')`

export const tablesQuery = `
  select 'table' as kind, 'table ' || c.oid as key, c.oid::regclass::text as name,
    c.relpersistence = 'u' as unlogged,
    array_to_string(c.reloptions, ', ') as options,
    pg_catalog.pg_get_partkeydef(c.oid) as "partitionKey",
    (select i.inhparent::regclass::text from pg_catalog.pg_inherits i where i.inhrelid = c.oid) as parent,
    pg_catalog.pg_get_expr(c.relpartbound, c.oid) as bounds,
    (select json_agg(json_build_object(
        'name', quote_ident(a.attname),
        'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
        'notNull', a.attnotnull,
        'collation', case when a.attcollation <> t.typcollation then a.attcollation::regcollation::text end,
        'storage', case when a.attstorage <> t.typstorage then
          case a.attstorage when 'p' then 'plain' when 'e' then 'external' when 'm' then 'main' else 'extended' end end,
        'identity', case a.attidentity when 'a' then 'always' when 'd' then 'by default' end,
        'generated', case a.attgenerated when 's' then 'stored' when 'v' then 'virtual' end,
        'default', pg_catalog.pg_get_expr(d.adbin, d.adrelid),
        -- Before PostgreSQL 17 the default was -1.
        'statistics', nullif(a.attstattarget, -1)
      ) order by a.attnum)
      from pg_catalog.pg_attribute a
      join pg_catalog.pg_type t on t.oid = a.atttypid
      left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
    -- Named not-null constraints are new in PostgreSQL 18; the columns tell the same.
    (select coalesce(json_agg(format('constraint %I %s', k.conname, pg_catalog.pg_get_constraintdef(k.oid))
        order by array_position('{p,u,c,f,x}', k.contype), k.conname), '[]')
      from pg_catalog.pg_constraint k
      where k.conrelid = c.oid and k.contype not in ('n', 't') and k.coninhcount = 0) as constraints,
    (select coalesce(json_agg(pg_catalog.pg_get_indexdef(i.indexrelid) order by i.indexrelid::regclass::text), '[]')
      from pg_catalog.pg_index i
      where i.indrelid = c.oid
        and not exists (select from pg_catalog.pg_constraint k where k.conindid = i.indexrelid and k.conrelid = c.oid)
        and not exists (select from pg_catalog.pg_inherits h where h.inhrelid = i.indexrelid)) as indexes
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and n.nspname = any($1)`

/** What the queries above do not print: whatever else lives in our schemas, hangs on a table, or waits for events. */
export const strangersQuery = `
  with ours as (
    select n.oid from pg_catalog.pg_namespace n where n.nspname = any($1)
  ), strangers(classid, objid) as (
    select 'pg_class'::regclass, c.oid from pg_catalog.pg_class c
    where c.relnamespace in (select oid from ours) and c.relkind not in ('r', 'p', 'i', 'I', 't')
      -- The sequence behind an identity column.
      and not exists (select from pg_catalog.pg_depend d where d.objid = c.oid and d.deptype = 'i')
    union all
    select 'pg_type'::regclass, t.oid from pg_catalog.pg_type t
    where t.typnamespace in (select oid from ours) and t.typtype <> 'e' and t.typrelid = 0 and t.typelem = 0
    union all
    select 'pg_proc'::regclass, p.oid from pg_catalog.pg_proc p
    where p.pronamespace in (select oid from ours) and p.prokind not in ('f', 'p')
    union all
    select 'pg_trigger'::regclass, t.oid from pg_catalog.pg_trigger t
    join pg_catalog.pg_class c on c.oid = t.tgrelid
    where c.relnamespace in (select oid from ours) and not t.tgisinternal
    union all
    select 'pg_policy'::regclass, p.oid from pg_catalog.pg_policy p
    union all
    select 'pg_rewrite'::regclass, r.oid from pg_catalog.pg_rewrite r
    join pg_catalog.pg_class c on c.oid = r.ev_class
    where c.relnamespace in (select oid from ours) and c.relkind not in ('v', 'm')
    union all
    select 'pg_statistic_ext'::regclass, s.oid from pg_catalog.pg_statistic_ext s
    union all
    select 'pg_event_trigger'::regclass, e.oid from pg_catalog.pg_event_trigger e
  )
  select distinct i.type || ' ' || i.identity as what
  from strangers s cross join lateral pg_catalog.pg_identify_object(s.classid, s.objid, 0) i
  where not exists (select from pg_catalog.pg_depend d where (d.classid, d.objid) = (s.classid, s.objid) and d.deptype = 'e')
  order by what`

/** Which printed object must stand before which: a generated column calls a function, a column is of an enum. */
export const needsQuery = `
  with owner(classid, objid, key) as (
    select 'pg_proc'::regclass::oid, p.oid, 'function ' || p.oid from pg_catalog.pg_proc p
    union all
    select 'pg_class'::regclass, c.oid, 'table ' || coalesce(i.indrelid, c.oid)
    from pg_catalog.pg_class c left join pg_catalog.pg_index i on i.indexrelid = c.oid
    union all
    select 'pg_attrdef'::regclass, d.oid, 'table ' || d.adrelid from pg_catalog.pg_attrdef d
    union all
    select 'pg_constraint'::regclass, k.oid, 'table ' || k.conrelid from pg_catalog.pg_constraint k where k.conrelid <> 0
    union all
    select 'pg_type'::regclass, t.oid,
      case when e.typrelid <> 0 then 'table ' || e.typrelid else 'type ' || e.oid end
    from pg_catalog.pg_type t
    join pg_catalog.pg_type e on e.oid = case when t.typcategory = 'A' then t.typelem else t.oid end
  )
  select distinct a.key, b.key as needs
  from pg_catalog.pg_depend d
  join owner a on (a.classid, a.objid) = (d.classid, d.objid)
  join owner b on (b.classid, b.objid) = (d.refclassid, d.refobjid)
  where a.key <> b.key and $1::text[] is not null`
