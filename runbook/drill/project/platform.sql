-- What a hosted project has before its first migration, as far as drills need it. Run by the superuser.
-- Roles belong to the whole server, which may be somebody's own: they are made only where they are missing.
do $$
declare
  wanted text;
begin
  foreach wanted in array array['anon', 'authenticated', 'service_role'] loop
    if not exists (select 1 from pg_roles where rolname = wanted) then
      execute format('create role %I nologin', wanted);
    end if;
  end loop;
end
$$;

grant usage on schema public to anon, authenticated, service_role;
create schema if not exists extensions;
create schema if not exists auth;

create table auth.users (
  id uuid primary key default gen_random_uuid(),
  email text unique,
  created_at timestamptz not null default now()
);

insert into auth.users (email)
select 'user' || n || '@example.com' from generate_series(1, 12) as n;
