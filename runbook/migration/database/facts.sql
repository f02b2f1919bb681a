-- One statement that reads the catalogue, and no row of any table. `asked` names what the migrations change.
with recursive asked as materialized (
  select '{asked}'::jsonb as it
), named as (
  select distinct each ->> 0 as schema, each ->> 1 as name from asked, jsonb_array_elements(it -> 'relations') each
), relations as materialized (
  select c.oid, n.nspname as schema, c.relname as name, c.relkind::text as kind, c.reltype
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  where exists (select from named where named.schema = n.nspname and named.name = c.relname)
  -- A name without a schema may also be found in these.
  or n.nspname in ('extensions', 'pg_catalog') and c.relname in (select name from named where schema = 'public')
), locks as materialized (
  select l.relation, l.pid, l.mode, l.granted, l.virtualtransaction,
    extract(epoch from clock_timestamp() - l.waitstart)::bigint as waits
  from pg_locks l
  where l.locktype = 'relation'
  and l.database = (select oid from pg_database where datname = current_database())
  and l.pid is distinct from pg_backend_pid()
), tree as (
  select oid as root, oid from relations where kind in ('r', 'p', 'm')
  union
  select t.root, i.inhrelid from tree t join pg_inherits i on i.inhparent = t.oid
), parts as materialized (
  select t.root, c.oid, c.reltuples, c.relpages, coalesce(s.n_live_tup, 0) as live,
    -- Asking for its size would wait for this lock.
    exists (select from locks l where l.relation = c.oid and l.mode = 'AccessExclusiveLock') as is_locked
  from tree t
  join pg_class c on c.oid = t.oid
  left join pg_stat_all_tables s on s.relid = c.oid
  where c.relkind in ('r', 'm')
), measured as materialized (
  select p.*, case when not is_locked then pg_relation_size(oid) end as heap,
    case when not is_locked then pg_total_relation_size(oid) end as bytes
  from parts p
), counted as materialized (
  -- The larger of two estimates: the rows of a page when it was analyzed, times the pages of now, as the planner does
  -- it; and the rows that sessions have counted since. A table that was never analyzed has -1 rows. One without a page
  -- has none, whatever the statistics say.
  select root, bytes,
    case when heap = 0 then 0
      when reltuples < 0 or relpages = 0 then null
      else greatest(live, reltuples,
        reltuples / relpages * (heap / current_setting('block_size')::int))
    end as rows
  from measured
), sizes as (
  select root, case when count(rows) = count(*) then sum(rows)::bigint end as rows,
    case when count(bytes) = count(*) then sum(bytes)::bigint end as bytes
  from counted
  group by root
), used as materialized (
  -- The locks on these tables and on their indexes and partitions.
  select r.schema, r.name, l.*
  from relations r
  join (
    select root, oid from tree
    union select t.root, i.indexrelid from tree t join pg_index i on i.indrelid = t.oid
    union select oid, oid from relations
  ) below on below.root = r.oid
  join locks l on l.relation = below.oid
), sessions as materialized (
  select a.pid, a.usename, a.application_name, a.state, a.backend_type, left(a.query, 200) as query,
    extract(epoch from clock_timestamp() - a.xact_start)::bigint as open,
    extract(epoch from clock_timestamp() - a.state_change)::bigint as unchanged,
    case when a.wait_event_type = 'Lock' then pg_blocking_pids(a.pid) else '{}' end as blocked_by
  from pg_stat_activity a
  where a.datname = current_database()
  and a.pid <> pg_backend_pid()
  and a.xact_start is not null
), asked_drops as (
  select each ->> 0 as kind, each ->> 1 as schema, each ->> 2 as name, each ->> 3 as part
  from asked, jsonb_array_elements(it -> 'drops') each
), drops as (
  select d.*, 'pg_class'::regclass as class, c.oid, coalesce(a.attnum, 0) as sub
  from asked_drops d
  join pg_namespace n on n.nspname = d.schema
  join pg_class c on c.relnamespace = n.oid and c.relname = d.name
  left join pg_attribute a on a.attrelid = c.oid and a.attname = d.part and not a.attisdropped
  where d.kind in ('relation', 'column') and (d.part is null or a.attnum is not null)
  union all
  -- A function that takes or returns rows of a table depends on the type of its rows.
  select d.*, 'pg_type'::regclass, t.oid, 0
  from asked_drops d
  join pg_namespace n on n.nspname = d.schema
  join pg_type t on t.typnamespace = n.oid and t.typname in (d.name, '_' || d.name)
  where d.kind in ('relation', 'type')
  union all
  select d.*, 'pg_proc'::regclass, p.oid, 0
  from asked_drops d
  join pg_namespace n on n.nspname = d.schema
  join pg_proc p on p.pronamespace = n.oid and p.proname = d.name
  where d.kind = 'function'
), dependents as (
  select distinct x.kind, x.schema, x.name, x.part, found.type, found.identity
  from drops x
  join pg_depend d on d.refclassid = x.class and d.refobjid = x.oid and (x.sub = 0 or d.refobjsubid = x.sub)
  left join pg_rewrite w on d.classid = 'pg_rewrite'::regclass and w.oid = d.objid
  cross join lateral pg_identify_object(
    case when w.oid is null then d.classid else 'pg_class'::regclass end, coalesce(w.ev_class, d.objid),
    case when w.oid is null then d.objsubid else 0 end) found
  where d.deptype = 'n'
  -- What belongs to the table itself goes with it.
  and (x.sub <> 0 or x.class <> 'pg_class'::regclass or (
    w.ev_class is distinct from x.oid
    and not (d.classid = 'pg_class'::regclass and d.objid = x.oid)
    and not exists (select from pg_constraint k where d.classid = 'pg_constraint'::regclass and k.oid = d.objid and k.conrelid = x.oid)
    and not exists (select from pg_policy p where d.classid = 'pg_policy'::regclass and p.oid = d.objid and p.polrelid = x.oid)
    and not exists (select from pg_attrdef f where d.classid = 'pg_attrdef'::regclass and f.oid = d.objid and f.adrelid = x.oid)
    and not exists (select from pg_trigger g where d.classid = 'pg_trigger'::regclass and g.oid = d.objid and g.tgrelid = x.oid)))
  and not (d.classid = 'pg_class'::regclass and w.oid is null and d.objid = x.oid)
), texts as (
  -- A function's text isn't a dependency: it fails when it runs.
  select x.kind, x.schema, x.name, x.part, p.oid::regprocedure::text as function
  from asked_drops x
  join pg_proc p on p.prosrc ~ ('\m' || regexp_replace(x.name, '(\W)', '\\\1', 'g') || '\M')
    and (x.part is null or p.prosrc ~ ('\m' || regexp_replace(x.part, '(\W)', '\\\1', 'g') || '\M'))
  join pg_language l on l.oid = p.prolang and l.lanname in ('sql', 'plpgsql')
  join pg_namespace n on n.oid = p.pronamespace and n.nspname not in ('pg_catalog', 'information_schema')
  where x.kind in ('relation', 'column') or (x.kind = 'function' and p.proname <> x.name)
)
select json_build_object(
  'version', current_setting('server_version_num')::int,
  'database', current_database(),
  'user', current_user,
  'sees_sessions', pg_has_role('pg_read_all_stats', 'usage'),
  'schemas', (select json_agg(nspname) from pg_namespace),
  'extensions', (select json_agg(extname) from pg_extension),
  'relations', (
    select json_agg(json_build_object(
      'schema', r.schema, 'name', r.name, 'kind', r.kind, 'rows', s.rows, 'bytes', s.bytes,
      'columns', (
        select json_agg(json_build_object('name', a.attname, 'required', a.attnotnull))
        from pg_attribute a where a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped),
      'constraints', (
        select json_agg(json_build_object('name', k.conname, 'valid', k.convalidated,
          'check', case when k.contype = 'c' then pg_get_expr(k.conbin, k.conrelid) end))
        from pg_constraint k where k.conrelid = r.oid),
      'triggers', (select json_agg(g.tgname) from pg_trigger g where g.tgrelid = r.oid and not g.tgisinternal),
      'policies', (select json_agg(p.polname) from pg_policy p where p.polrelid = r.oid),
      'publications', (
        select json_agg(b.pubname) from pg_publication_rel l join pg_publication b on b.oid = l.prpubid
        where l.prrelid = r.oid),
      'index', (
        select json_build_object('table', t.relname, 'valid', i.indisvalid and i.indisready, 'unique', i.indisunique,
          'plain', i.indpred is null and i.indexprs is null,
          'constraint', exists (select from pg_constraint k where k.conindid = r.oid and k.contype in ('p', 'u', 'x')))
        from pg_index i join pg_class t on t.oid = i.indrelid where i.indexrelid = r.oid)))
    from relations r left join sizes s on s.root = r.oid),
  'functions', (
    select json_agg(json_build_object('schema', n.nspname, 'name', p.proname, 'types', (
        select coalesce(json_agg(t.typname order by nr), '[]')
        from unnest(p.proargtypes) with ordinality as x(type, nr) join pg_type t on t.oid = x.type)))
    from pg_proc p
    join pg_namespace n on n.oid = p.pronamespace
    join (select each ->> 0 as schema, each ->> 1 as name from asked, jsonb_array_elements(it -> 'functions') each) f
      on f.schema = n.nspname and f.name = p.proname),
  'types', (
    select json_agg(json_build_array(n.nspname, t.typname))
    from pg_type t
    join pg_namespace n on n.oid = t.typnamespace
    join (select each ->> 0 as schema, each ->> 1 as name from asked, jsonb_array_elements(it -> 'types') each) f
      on f.schema = n.nspname and f.name = t.typname),
  'dependents', (select json_agg(json_build_array(kind, schema, name, part, type, identity)) from dependents),
  'texts', (select json_agg(json_build_array(kind, schema, name, part, function)) from texts),
  'invalid_indexes', (
    select json_agg(json_build_object('schema', n.nspname, 'name', c.relname, 'table', t.relname,
      'partitioned', c.relkind = 'I', 'pid', b.pid, 'phase', b.phase,
      'percent', case when b.blocks_total > 0 then 100 * b.blocks_done / b.blocks_total end))
    from pg_index i
    join pg_class c on c.oid = i.indexrelid
    join pg_class t on t.oid = i.indrelid
    join pg_namespace n on n.oid = c.relnamespace
    left join pg_stat_progress_create_index b
      on b.index_relid = i.indexrelid or (b.relid = i.indrelid and coalesce(b.index_relid, 0) = 0)
    where not (i.indisvalid and i.indisready) and n.nspname !~ '^pg_'),
  'unvalidated', (
    select json_agg(json_build_object('schema', n.nspname, 'table', t.relname, 'name', k.conname))
    from pg_constraint k
    join pg_class t on t.oid = k.conrelid
    join pg_namespace n on n.oid = t.relnamespace
    where not k.convalidated and n.nspname not in ('auth', 'storage', 'realtime', 'vault', 'extensions')),
  'prepared', (
    select json_agg(json_build_object('gid', p.gid, 'owner', p.owner,
      'open', extract(epoch from clock_timestamp() - p.prepared)::bigint,
      'tables', (
        -- Its locks have no session. What they share with the lock on its own number is the virtual transaction.
        select json_agg(distinct json_build_array(u.schema, u.name)::jsonb)
        from used u
        join pg_locks own on own.locktype = 'transactionid' and own.transactionid = p.transaction and own.pid is null
        where u.pid is null and u.virtualtransaction = own.virtualtransaction)))
    from pg_prepared_xacts p where p.database = current_database()),
  'locks', (
    select json_agg(distinct jsonb_build_object(
      'schema', schema, 'name', name, 'pid', pid, 'mode', mode, 'granted', granted, 'waits', waits))
    from used where pid is not null),
  'sessions', (
    select json_agg(json_build_object('pid', pid, 'user', usename, 'application', application_name, 'state', state,
      'type', backend_type, 'query', query, 'open', open, 'unchanged', unchanged, 'blocked_by', blocked_by))
    from sessions
    where pid in (select pid from sessions order by open desc limit 20) or cardinality(blocked_by) > 0
      or pid in (select pid from used)
      or pid in (select unnest(blocked_by) from sessions))
) as facts
