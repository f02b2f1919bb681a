"""Migration tools and ORMs are judged by rules, and by the address of their database where one can be seen."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.books import write_book

from runbook.checks.book import find_problems
from runbook.guard.command_line import judge
from runbook.guard.messages import as_text
from runbook.loading import read_policy
from runbook.model import Effect, TargetKind, Verdict

HOSTED = "postgresql://postgres:pw@db.abcdefghijklmnopqrst.supabase.co:5432/postgres"
HERE = "postgresql://postgres:pw@127.0.0.1:54322/postgres"


@pytest.mark.parametrize("name", ["DATABASE_URL", "DIRECT_URL", "POSTGRES_URL", "SUPABASE_DB_URL"])
@pytest.mark.parametrize(
    "line",
    [
        "npx prisma migrate reset --force",
        "pnpm exec drizzle-kit push",
        "python manage.py flush --no-input",
        "php artisan migrate:fresh",
        "bundle exec rails db:drop",
        "uv run alembic downgrade base",
        "./gradlew flywayClean",
    ],
)
def test_a_hosted_address_in_the_environment_refuses_a_wipe(line: str, name: str) -> None:
    """Whether the line sets it, exports it, or the caller has it."""
    for each, outside in (
        (f"{name}={HOSTED} {line}", {}),
        (f"export {name}={HOSTED}; {line}", {}),
        (f"env {name}={HOSTED} {line}", {}),
        (line, {name: HOSTED}),
    ):
        found = judge(each, env=outside)
        assert (found.verdict, found.effect, found.target) == (
            Verdict.REFUSE,
            Effect.DESTROYS,
            TargetKind.PRODUCTION,
        ), each


@pytest.mark.parametrize(
    ("address", "target"),
    [
        ("", None),
        ("$SOMETHING", None),
        ("postgres://app@db:5432/app", None),
        (HERE, TargetKind.LOCAL),
        ("postgres:///app?host=/tmp", TargetKind.LOCAL),
        ("localhost", TargetKind.LOCAL),
        ("jdbc:postgresql://localhost:5432/app", TargetKind.LOCAL),
        ("host=localhost dbname=app", TargetKind.LOCAL),
    ],
)
def test_without_a_hosted_address_a_person_is_asked(address: str, target: TargetKind | None) -> None:
    """The address may be this machine's, a container's, or not known at all."""
    found = judge(f"DATABASE_URL='{address}' npx prisma migrate reset")
    assert (found.verdict, found.target) == (Verdict.CONFIRM, target)


@pytest.mark.parametrize(
    "address",
    [
        HOSTED,
        "db.abcdefghijklmnopqrst.supabase.co",
        "10.0.0.5",
        "host=db.example.com dbname=app",
        "jdbc:postgresql://db.example.com/app",
        "postgresql+asyncpg://db.example.com/app",
        "postgres://localhost@db.example.com/app",
        "postgres://localhost/app?host=db.example.com",
    ],
)
def test_every_form_of_a_hosted_address_is_seen(address: str) -> None:
    """A URL of any kind, a `host=` text, or a host alone."""
    assert judge(f"DB_HOST='{address}' php artisan db:wipe").verdict is Verdict.REFUSE


def test_an_address_in_the_line_goes_before_the_environment() -> None:
    """The tool would use it, too."""
    outside = {"DATABASE_URL": HOSTED}
    assert judge(f"dbmate --url {HERE} drop", env=outside).verdict is Verdict.CONFIRM
    assert judge(f"dbmate --url {HOSTED} drop", env={"DATABASE_URL": HERE}).verdict is Verdict.REFUSE
    # What the line can't show doesn't hide what the environment has.
    assert judge('dbmate --url "$URL" drop', env=outside).verdict is Verdict.REFUSE


def test_the_line_sets_a_variable_for_the_command_alone() -> None:
    """A later command has the caller's again."""
    line = f"DATABASE_URL={HERE} npx prisma generate; npx prisma migrate reset"
    assert judge(line, env={"DATABASE_URL": HOSTED}).verdict is Verdict.REFUSE


@pytest.mark.parametrize(
    ("console", "wipes", "reads"),
    [
        ("bin/rails dbconsole", "drop table users", "select 1"),
        ("bundle exec rails db", "truncate users", "select count(*) from users"),
        ("rails console", "User.destroy_all", "User.count"),
        ("flask shell", "db.drop_all()", "print(User.query.count())"),
        ("python manage.py shell", "Task.objects.all().delete()", "print(Task.objects.count())"),
        ("php artisan tinker", "User::truncate();", "echo User::count();"),
        ("npx prisma db execute --stdin", "drop table users", "select 1"),
        ("heroku pg:psql -a web", "truncate users", "select 1"),
        ("flyctl postgres connect -a db", "drop table users", "select 1"),
    ],
)
def test_the_input_of_a_console_is_judged(console: str, wipes: str, reads: str) -> None:
    """From a pipe, a here-string, or a file that the line or the project has."""
    for form in ("echo '{0}' | {1}", "{1} <<< '{0}'", "echo '{0}' > x.txt; {1} < x.txt", "{1} <<X\n{0}\nX"):
        assert judge(form.format(wipes, console)).verdict is not Verdict.ALLOW, form
        assert judge(form.format(reads, console)).verdict is Verdict.ALLOW, form


def test_a_console_of_a_hosted_database_is_asked_about_and_sql_in_it_decides() -> None:
    """As with psql."""
    assert judge(f"DATABASE_URL={HOSTED} rails db").verdict is Verdict.CONFIRM
    assert judge(f"DATABASE_URL={HOSTED} rails db <<< 'drop table users'").verdict is Verdict.REFUSE
    assert judge(f"DATABASE_URL={HOSTED} rails db <<< 'select 1'").verdict is Verdict.ALLOW


def test_a_file_of_sql_that_reads_is_no_change() -> None:
    """The file may also be one that can't be seen."""
    assert judge("echo 'select 1' > look.sql; npx prisma db execute --file look.sql").verdict is Verdict.ALLOW
    assert judge("echo 'drop table a' > b.sql; npx prisma db execute --file b.sql").verdict is Verdict.CONFIRM
    assert judge("npx prisma db execute --file missing.sql").verdict is Verdict.CONFIRM


@pytest.mark.parametrize("manager", ["pnpm", "yarn", "bun"])
def test_a_manager_runs_a_program_where_no_script_has_that_name(manager: str) -> None:
    """Only npm refuses."""
    assert judge(f"{manager} run drizzle-kit push --force").verdict is Verdict.CONFIRM
    assert judge(f"{manager} run drizzle-kit generate").verdict is Verdict.ALLOW
    assert judge("npm run drizzle-kit push --force").verdict is Verdict.ALLOW


def test_a_web_address_is_no_database() -> None:
    """A registry or a proxy says nothing about the target."""
    assert judge("npx drizzle-kit push --proxy https://proxy.example.com").verdict is Verdict.CONFIRM


@pytest.mark.parametrize(
    "line",
    [
        "bundle exec hanami db migrate",
        "php yii migrate",
        "php spark migrate",
        "bin/cake migrations migrate",
        "piccolo migrations forwards all",
        "npx zenstack generate",
        "pg-schema-diff plan --from-dsn dbname=app --to-dir schema",
        "npx strapi develop",
        "heroku pg:info",
        "heroku logs --tail",
        "fly postgres list",
        "fly deploy",
        "cargo run -- reset",
        "cargo test",
        "npx prisma generate",
        "npx prisma migrate status",
        "npx prisma migrate deploy",
        "npx prisma validate",
        "npx drizzle-kit generate",
        "npx drizzle-kit check",
        "npx knex migrate:latest",
        "npx sequelize-cli db:migrate",
        "npx typeorm migration:run -d src/data-source.ts",
        "alembic upgrade head",
        "python -m alembic history",
        "flask db upgrade",
        "python manage.py migrate",
        "python manage.py makemigrations",
        "python manage.py sqlflush",
        "python -c 'print(1)'",
        "python scripts/drop.py",
        "bin/rails db:migrate",
        "rails db:migrate:status",
        "rails generate migration DropUsers",
        "php artisan migrate",
        "php artisan migrate:status",
        "bin/console doctrine:migrations:migrate",
        "dbmate up",
        "goose -dir m up",
        "goose create drop_users sql",
        "flyway migrate",
        "flyway info",
        "liquibase update",
        "atlas migrate status",
        "sqlx migrate run",
        "cargo sqlx prepare",
        "diesel migration run",
        "migrate -path m -database postgres://localhost/app up",
        "mix ecto.migrate",
        "mvn clean install",
        "./gradlew clean build",
        "dotnet ef migrations add Drop",
    ],
)
def test_status_and_forward_commands_pass(line: str) -> None:
    """They are part of everyday work, also where a hosted address isn't known."""
    assert judge(line).verdict is Verdict.ALLOW


@pytest.mark.parametrize(
    "line",
    [
        "yarn prisma migrate reset",
        "pnpm dlx prisma@latest migrate reset",
        "bun prisma migrate reset",
        "npm exec -- prisma migrate reset",
        "node node_modules/prisma/build/index.js migrate reset",
        "npx dotenv -e .env -- prisma migrate reset",
        "npx ts-node -r tsconfig-paths/register ./node_modules/typeorm/cli.js schema:drop -d x",
        "python3.12 -X dev manage.py flush",
        "poetry run python -m alembic downgrade base",
        "php -d memory_limit=-1 bin/console doctrine:schema:drop --force",
        "symfony console doctrine:schema:drop --force",
        "docker compose exec php bin/console doctrine:fixtures:load",
        "docker compose exec web python manage.py flush",
        "sail php artisan db:wipe",
        "ruby bin/rails db:drop",
        "cd api && cargo sqlx database drop -y",
        "npx rw prisma migrate reset",
        "python manage.py sqlflush | python manage.py dbshell",
        "echo 'drop table users' | npx prisma db execute --stdin",
        "node -e \"require('child_process').execSync('npx prisma migrate reset')\"",
    ],
)
def test_a_wipe_is_found_behind_launchers(line: str) -> None:
    """Interpreters, package managers, containers and plugins start the same program."""
    assert judge(line).verdict is Verdict.CONFIRM


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        (f"docker run --rm -e DATABASE_URL={HOSTED} app npx prisma migrate reset", Verdict.REFUSE),
        (f"docker compose exec --env DATABASE_URL={HOSTED} app npx prisma migrate reset", Verdict.REFUSE),
        (f"docker run --env=DATABASE_URL={HERE} app npx prisma migrate reset", Verdict.CONFIRM),
        (f"docker run --rm migrate/migrate:v4 -path=/m -database {HOSTED} drop -f", Verdict.REFUSE),
        (f"docker run --rm amacneil/dbmate --url {HOSTED} up", Verdict.ALLOW),
        ("docker run --rm flyway/flyway clean", Verdict.CONFIRM),
        ("docker run --rm -v $PWD:/app node:22 npm test", Verdict.ALLOW),
        (f"docker run --rm curlimages/curl -X DELETE {HOSTED.replace('postgresql', 'https')}", Verdict.ALLOW),
    ],
)
def test_a_container_gets_variables_and_its_image_may_be_the_tool(line: str, verdict: Verdict) -> None:
    """As `docker run -e` and an image's entry point have it."""
    assert judge(line).verdict is verdict


def test_sql_goes_to_a_hosted_database_through_a_tool() -> None:
    """It is judged like SQL anywhere."""
    drop = "npx prisma db execute --stdin <<< 'drop table users'"
    assert judge(f"DATABASE_URL={HOSTED} {drop}").verdict is Verdict.REFUSE
    assert judge(f"DATABASE_URL={HERE} {drop}").verdict is Verdict.CONFIRM
    assert judge("bin/console dbal:run-sql 'select 1'").verdict is Verdict.ALLOW


ACME = """\
address_flags: {acme-orm: [--dsn]}
address_variables: [ACME_DB]
rules:
  - id: acme-raze
    program: acme-orm
    also: [acme]
    command: schema raze
    reaches: database
    effect: destroys
    remote: refuse
    local: confirm
    value_flags: [--stage]
    reason: It razes the schema.
    instead: Write a migration.
    tests:
      - {line: acme-orm schema raze, verdict: confirm}
      - {line: npx acme --stage x schema raze --dsn postgres://db.example.com/app, verdict: refuse}
      - {line: acme-orm schema show, verdict: allow}
"""


def test_a_team_adds_its_own_tool_by_its_policy_alone(tmp_path: Path) -> None:
    """A rule, the flags and the variables that name its database, and the rule's own tests."""
    directory = write_book(tmp_path / "book", policy=ACME)
    assert [each.message for each in find_problems(str(directory))[1]] == []
    ours = read_policy(directory)
    assert judge("acme-orm schema raze", policy=ours).verdict is Verdict.CONFIRM
    assert judge("ACME_DB=db.example.com acme-orm schema raze", policy=ours).verdict is Verdict.REFUSE
    assert judge("acme schema raze", policy=ours, env={"ACME_DB": HOSTED}).verdict is Verdict.REFUSE
    assert judge(f"acme schema raze --dsn {HERE}", policy=ours, env={"ACME_DB": HOSTED}).verdict is Verdict.CONFIRM
    assert judge("acme-orm schema $VERB", policy=ours).verdict is Verdict.CONFIRM
    # Its variable counts for the packaged tools, too, in the team's layer only: the packaged rules never see it.
    assert judge("npx prisma migrate reset", policy=ours, env={"DATABASE_URL": HOSTED}).verdict is Verdict.REFUSE


def test_the_answer_names_the_variable_and_not_the_linked_project(tmp_path: Path) -> None:
    """The tool goes where the variable leads, whatever this directory is linked to."""
    (tmp_path / "supabase" / ".temp").mkdir(parents=True)
    (tmp_path / "supabase" / ".temp" / "project-ref").write_text("zyxwvutsrqponmlkjihg", encoding="utf-8")
    found = judge("npx prisma migrate reset", env={"DIRECT_URL": HOSTED}, cwd=str(tmp_path))
    text = " ".join(as_text(found, str(tmp_path)).split())
    assert "to a hosted project; it DESTROYS DATA" in text
    assert "DIRECT_URL leads to a hosted database." in text
    assert "pw" not in text
