-- A few dozen rows, made the way the product makes them: a finished task leaves its generation by the trigger.
insert into public.tasks (project, orchestrator_details)
select
  (array['harbour', 'meadow', 'lantern'])[1 + n % 3],
  jsonb_build_object(
    'location', 'files/' || n || '.mp4',
    'thumbnail_url', 'https://files.example.com/' || n || '.jpg'
  )
from generate_series(1, 36) as n;

update public.tasks set status = 'Complete' where id <= 24;
update public.tasks set status = 'In Progress' where id between 25 and 30;
