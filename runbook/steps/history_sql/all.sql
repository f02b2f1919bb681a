with history as (
{ran}
), files as (
  select f ->> 0 as file, substring(f ->> 0 from '^([0-9]+)_.*[.]sql$') as version, f ->> 1 as digest,
    (f ->> 2)::boolean as is_hollow
  from json_array_elements('{files}'::json) f
), newest as (
  select max(version collate "C") as version from history
), latest as (
  -- As text, as the CLI compares them.
  select max(version collate "C") as version, to_char(now() at time zone 'utc', 'YYYYMMDDHH24MISS') as now
  from (select version from history union all select version from files) known
), here as (
  select f.*, f.version collate "C" < (select version from newest) as is_older,
    (select '; its SQL ran already as ' || min(h.version) from history h where h.recorded and h.digest = f.digest) as ran_as
  from files f
  where version is not null and not exists (select from history h where h.version = f.version)
), there as (
  select h.*, (
    select min(f.file) from here f
    where h.name <> '' and right(f.file, length(h.name) + 5) = '_' || h.name || '.sql') as alike
  from history h
  where not exists (select from files f where f.version = h.version)
), twins as (
  select distinct on (f.file) f.file, h.version, h.name
  from here f
  join there h on h.recorded and h.digest = f.digest
  order by f.file, h.version
), both_sides as (
  select h.*, f.file, f.digest as file_digest, f.is_hollow, h.version || '_' || h.name || '.sql' as history_file
  from history h
  join files f on f.version = h.version
), found as (
  select 'compared' as finding, (select version from newest) as version, null as file, null::boolean as pushed,
    (select count(*) from files) || ' files here, ' || (select count(*) from history)
      || ' versions in the history; this is the newest' as what
  union all
  select 'next', case
      when version is null or version collate "C" < now then now
      when version !~ '^9+$' then lpad((version::numeric + 1)::text, length(version), '0') else version || '0' end,
    null, null, 'a file with this version comes last, whatever waits or lies in the future'
  from latest
  union all
  select 'pushes', coalesce(string_agg(version, ',' order by file collate "C"), ''), null, null,
    'what a push would apply, if it is not refused'
  from here
  union all
  select 'skipped', null, file, false, 'the CLI skips it, because its name is not VERSION_name.sql'
  from files where version is null
  union all
  select 'repeated', f.version, f.file,
    exists (
      select from both_sides b
      where b.file = f.file and (b.history_file = f.file or (b.recorded and b.digest = f.digest))),
    'another file has this version, too'
  from files f where exists (select from files o where o.version = f.version and o.file <> f.file)
  union all
  select 'twin', version, file, false, 'the history has the SQL of this file as ' || version || '_' || name
  from twins
  union all
  select case when is_older then 'older' else 'waiting' end, version, file, false,
    case when is_older then 'not in the history, and older than its newest version: a push is refused'
      else 'not in the history: it waits for its push' end || coalesce(ran_as, '')
  from here where file not in (select file from twins)
  union all
  select case when not recorded then 'unknown' when alike is not null then 'alike' else 'missing' end, version,
    case when recorded and alike is not null then alike else version || '_' || coalesce(nullif(name, ''), 'unknown') || '.sql' end,
    case when alike is null or not recorded then true end,
    case when not recorded then 'in the history without its statements, and not here: what it ran is unknown'
      when alike is not null then 'in the history only; the file here has its name, and other SQL'
      else 'in the history only: its file is missing here' end
  from there where version not in (select version from twins)
  union all
  select case when recorded then 'edited' when is_hollow then 'unknown' else 'unrecorded' end, version, file, true,
    case when recorded then 'the file is not what ran'
      when is_hollow then 'the file holds nothing, because the history has no statements: what it ran is unknown'
      else 'the history has no statements to compare the file with' end
  from both_sides where not recorded or file_digest <> digest
  union all
  select 'renamed', b.version, b.file, true,
    'the history calls it ' || b.history_file || '; a fetch would write that one, too'
  from both_sides b
  where b.name <> '' and b.file <> b.history_file
  and not exists (select from files o where o.file = b.history_file)
  union all
  select 'future', version, null, true, 'a version from the future: a push is refused until a new file has a later one'
  from history where version collate "C" > to_char(now() at time zone 'utc', 'YYYYMMDDHH24MISS')
)
select * from found
order by finding not in ('compared', 'next', 'pushes'), finding = 'pushes', finding = 'next', version, file
