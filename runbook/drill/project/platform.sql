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

-- Of the columns of the hosted table those that people know, the generated one among them.
create table auth.users (
  id uuid primary key default gen_random_uuid(),
  email text unique,
  encrypted_password text,
  email_confirmed_at timestamptz,
  phone_confirmed_at timestamptz,
  confirmed_at timestamptz generated always as (least(email_confirmed_at, phone_confirmed_at)) stored,
  raw_user_meta_data jsonb,
  created_at timestamptz not null default now()
);

-- Without its row here, a user who is back in auth.users can't log in with that provider.
create table auth.identities (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references auth.users (id) on delete cascade,
  provider text not null,
  provider_id text not null,
  identity_data jsonb not null default '{}',
  email text generated always as (lower(identity_data ->> 'email')) stored,
  unique (provider_id, provider)
);

insert into auth.users (email, encrypted_password, email_confirmed_at)
select 'user' || n || '@example.com', '$2a$10$' || md5(n::text), now() from generate_series(1, 12) as n;

insert into auth.identities (user_id, provider, provider_id, identity_data)
select id, 'email', id::text, jsonb_build_object('sub', id, 'email', email) from auth.users;

-- On the hosted platform `postgres` owns none of these tables, and may do everything else with them. Supautils lets it
-- set session_replication_role, though it is no superuser.
do $$
begin
  if exists (select 1 from pg_roles where rolname = 'postgres' and not rolsuper) then
    grant usage on schema auth, extensions to postgres;
    grant all on all tables in schema auth to postgres;
    grant set on parameter session_replication_role to postgres;
  end if;
end
$$;
