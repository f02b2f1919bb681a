-- Migration: base
-- Purpose: tasks that make generations, with the trigger that records a finished task
-- Rollback: none, this is the beginning

create table public.tasks (
  id bigint generated always as identity primary key,
  project text not null,
  status text not null default 'Queued',
  orchestrator_details jsonb not null default '{}',
  created_at timestamptz default now()
);

create table public.generations (
  id bigint generated always as identity primary key,
  task_id bigint references public.tasks (id),
  location text,
  thumbnail_url text,
  created_at timestamptz default now()
);

create index tasks_status on public.tasks (status);

create function public.create_generation_on_task_complete() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  insert into public.generations (task_id, location, thumbnail_url)
  values (
    new.id,
    new.orchestrator_details ->> 'location',
    new.orchestrator_details ->> 'thumbnail_url'
  );
  return new;
end;
$$;

create trigger create_generation_on_task_complete
after update of status on public.tasks
for each row
when (new.status = 'Complete' and old.status is distinct from 'Complete')
execute function public.create_generation_on_task_complete();

alter table public.tasks enable row level security;
alter table public.generations enable row level security;

create policy tasks_are_read_by_users on public.tasks for select to authenticated using (true);
create policy generations_are_read_by_users on public.generations for select to authenticated using (true);
