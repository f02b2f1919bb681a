-- Version 1. Everybody appends through functions that run as the schema's owner; nobody changes or deletes events.

create table about (
    one boolean primary key default true check (one),
    version integer not null,
    id text not null default gen_random_uuid(),  -- tells it from every other journal, whatever its address
    runs bigint not null default 0  -- how many have begun: without a gap, so that a lost run shows
);
insert into about (version) values (0);

create table runs (
    number bigint primary key,
    id text collate "C" not null unique,
    events integer not null,
    head text not null,
    walk integer not null default 1,  -- the number of the event with which its newest walk began
    unproven integer not null default 0
) with (fillfactor = 50);  -- each event updates its run's row, which stays on its page if there is room

create table events (
    run text collate "C" not null,
    number integer not null,
    sequence bigint not null generated always as identity,
    at text not null,
    body text not null,
    hash text not null,
    key bigint not null unique,  -- given by the writer: an event that is sent twice is recorded once, even if what was
        -- sent first arrives last, when the writer has long given up
    recorded_at timestamptz not null default clock_timestamp(),
    recorded_by text not null default session_user,
    primary key (run, number)
);

create table facts (
    run text collate "C" not null,
    kind text collate "C" not null,
    name text collate "C" not null,
    value text collate "C" not null,
    primary key (run, kind, name, value)
);

create table locks (
    target text primary key,
    run text not null,
    procedure text not null,
    operator text not null,
    host text not null,
    pid integer not null,
    born text not null,
    since text not null,
    step text not null,
    beat timestamptz not null default clock_timestamp()
) with (fillfactor = 50);

create function refuse() returns trigger language plpgsql as $$
begin
    raise exception using errcode = 'RB001', message = 'the journal is append-only';
end
$$;
create trigger stay before update or delete on events for each row execute function refuse();
create trigger remain before truncate on events for each statement execute function refuse();
create trigger stay before delete on runs for each row execute function refuse();
create trigger remain before truncate on runs for each statement execute function refuse();

-- Must agree with `hash_of` of runbook/journal/chain.py: each part with its length before it.
create function chained(previous text, run text, number integer, at text, body text) returns text
language sql stable  -- as `convert_to`: otherwise it would be parsed anew for each event
return encode(sha256(convert_to(
    octet_length(previous) || ':' || previous
    || octet_length(run) || ':' || run
    || octet_length(number::text) || ':' || number
    || octet_length(at) || ':' || at
    || octet_length(body) || ':' || body,
    'UTF8')), 'hex');

-- Appends an event and returns its number. With p_target, only while that process holds that target for the run: this
-- and `take` lock the run's row first, so whoever takes the target reads everything that was started before, and nothing
-- starts after. With p_walk, only while the writer's walk is the newest: otherwise the event doesn't say how the run
-- stands, and null is returned.
create function append(
    p_run text, p_at text, p_body text, p_key bigint, p_again boolean default false,
    p_start text default '', p_resumes boolean default false, p_walk integer default null,
    p_target text default '', p_host text default '', p_pid integer default 0,
    p_facts text default null
) returns integer language plpgsql security definer set search_path from current as $$
declare
    plain text;
    claimed text;
    its_number integer;
    its_hash text;
begin
    -- Nobody may claim another person's role: a second person is recognised by it.
    if strpos(p_body, 'role') > 0 or strpos(p_body, '\u') > 0 then
        plain := replace(p_body, '\\', '');  -- what follows a backslash now is escaped by it
        if strpos(plain, '\u') > 0 then
            if plain ~ '\\u00([2-6]|7[0-9A-Ea-e])' then
                raise exception using errcode = 'RB006', message = 'no version of runbook escapes ASCII letters';
            end if;
            plain := regexp_replace(plain, '\\u....', '', 'g');  -- not all of them are characters to PostgreSQL
        end if;
        -- In a string, a quotation mark is escaped, so this finds members alone. To parse the JSON takes much longer.
        if strpos(replace(replace(plain, '"role":"' || session_user || '"', ''), '"role":""', ''), '"role"') > 0 then
            claimed := coalesce(plain::json ->> 'role', '');
            if claimed not in ('', regexp_replace(session_user, '[^ -~]', '', 'g')) then
                raise exception using errcode = 'RB002',
                    message = format('the event names the role %s, and you are %s', claimed, session_user);
            end if;
        end if;
    end if;
    if p_again then  -- the writer doesn't know whether it arrived
        perform from runs where id = p_run for update;
        select number into its_number from events where run = p_run and key = p_key;
    end if;
    if its_number is null then
        if p_start <> '' then
            perform from runs where id = p_run;
            if found then
                raise exception using errcode = 'RB003', hint = 'Nothing ran. Start again.',
                    message = format('a run called ''%s'' began at the same moment', p_run);
            end if;
            its_number := 1;
            its_hash := chained(p_start, p_run, 1, p_at, p_body);
            with begun as (update about set runs = about.runs + 1 returning about.runs)
            insert into runs (number, id, events, head) select begun.runs, p_run, 1, its_hash from begun;
        else
            update runs set events = events + 1, head = chained(head, p_run, events + 1, p_at, p_body),
                walk = case when p_resumes then events + 1 else walk end
            where id = p_run and walk <= coalesce(p_walk, walk)
            returning events, head into its_number, its_hash;
            if not found then
                perform from runs where id = p_run;
                if found then
                    return null;
                end if;
                raise exception using errcode = 'RB004',
                    message = format('the journal has no run called ''%s''', p_run);
            end if;
        end if;
        insert into events (run, number, at, body, hash, key)
        values (p_run, its_number, p_at, p_body, its_hash, p_key);
        if p_facts is not null then
            insert into facts select p_run, it.*
            from json_to_recordset(p_facts::json) as it (kind text, name text, value text)
            where not exists (select from facts
                where run = p_run and (facts.kind, facts.name, facts.value) = (it.kind, it.name, it.value));
        end if;
    end if;
    if p_target <> '' then  -- last, because until now somebody else may have had the run's row
        perform from locks where target = p_target and run = p_run and host = p_host and pid = p_pid;
        if not found then
            raise exception using errcode = 'RB005', hint = 'Nothing ran. `runbook status` shows who has it.',
                message = format('somebody else has the target of run %s by now', p_run);
        end if;
    end if;
    return its_number;
end
$$;

-- Takes a target that is free (no p_from_run), or that the named holder still has. Returns whether it is ours now.
create function take(
    p_target text, p_run text, p_procedure text, p_operator text, p_host text, p_pid integer, p_born text,
    p_since text, p_step text, p_from_run text, p_from_host text, p_from_pid integer
) returns boolean language plpgsql security definer set search_path from current as $$
begin
    perform from runs where id = p_from_run for update;  -- see `append`
    if p_from_run is null then
        insert into locks values (p_target, p_run, p_procedure, p_operator, p_host, p_pid, p_born, p_since,
            p_step) on conflict do nothing;
    else
        update locks set run = p_run, procedure = p_procedure, operator = p_operator, host = p_host, pid = p_pid,
            born = p_born, since = p_since, step = p_step, beat = clock_timestamp()
        where target = p_target and run = p_from_run and host = p_from_host and pid = p_from_pid;
    end if;
    return found;
end
$$;

-- Says that the holder is alive. Returns false if it holds the target no longer.
create function beat(p_target text, p_run text, p_pid integer, p_host text) returns boolean
language plpgsql security definer set search_path from current as $$
begin
    update locks set beat = clock_timestamp()
    where target = p_target and run = p_run and pid = p_pid and host = p_host;
    return found;
end
$$;

create function release(p_target text, p_run text, p_pid integer, p_host text) returns void
language sql security definer set search_path from current
begin atomic
    delete from locks where target = p_target and run = p_run and pid = p_pid and host = p_host;
end;
