with history as (
{ran}
), lines as (
  select 'history' as side, btrim(line, E' \t\r;') as line, nr
  from history, regexp_split_to_table(ran, '\n') with ordinality as l(line, nr)
  where version = '{version}'
  union all
  select 'file', btrim(line, E' \t\r;'), nr
  from regexp_split_to_table('{text}', '\n') with ordinality as l(line, nr)
)
select version, version || '_' || name || '.sql' as history_file, '{file}' as file, recorded,
  recorded and digest = '{digest}' as same,
  -- "-" is a line that only the history has, "+" one that only the file has.
  (select coalesce(json_agg(case side when 'file' then '+ ' else '- ' end || line order by side desc, nr), '[]'::json)
    from lines l
    where line <> ''
    and not exists (select from lines o where o.side <> l.side and o.line = l.line)) as difference
from history
where version = '{version}'
