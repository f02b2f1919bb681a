"""What there is to lose: rows, tables, columns, functions, triggers, policies, users, edge functions, secrets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runbook.drill.database import connect
from runbook.drill.platform import PlatformState

if TYPE_CHECKING:
    import psycopg

    from runbook.drill.database import Row

__all__ = ["Inventory", "take_inventory"]

_SYSTEM = "'pg_catalog', 'information_schema', 'pg_toast', 'supabase_migrations'"
_OBJECTS = f"""
select 'table ' || c.oid::regclass from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm') and n.nspname not in ({_SYSTEM}) and n.nspname !~ '^pg_'
union all
select distinct 'function ' || n.nspname || '.' || p.proname
from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where n.nspname not in ({_SYSTEM}) and n.nspname !~ '^pg_'
union all
select 'column ' || a.attname || ' of ' || c.oid::regclass
from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p') and n.nspname not in ({_SYSTEM})
  and n.nspname !~ '^pg_'
union all
select 'trigger ' || t.tgname || ' on ' || t.tgrelid::regclass from pg_trigger t where not t.tgisinternal
union all
select 'policy ' || p.polname || ' on ' || p.polrelid::regclass from pg_policy p
union all
select 'row level security of ' || c.oid::regclass from pg_class c where c.relrowsecurity
union all
select 'version ' || version || ' in the history' from supabase_migrations.schema_migrations
"""  # noqa: S608 - both lists are constants above
# Only a key tells one row from another; rows of a table without one are counted.
_TABLES = f"""
select c.oid::regclass::text,
  (select string_agg(quote_ident(a.attname), ', ' order by a.attnum) from pg_index i
   join pg_attribute a on a.attrelid = c.oid and a.attnum = any(i.indkey) where i.indrelid = c.oid and i.indisprimary)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and n.nspname not in ({_SYSTEM}) and n.nspname !~ '^pg_'
"""  # noqa: S608 - both lists are constants above


@dataclass(frozen=True, slots=True)
class Inventory:
    """Names of things, and rows by table; two of them tell what was lost in between."""

    things: frozenset[str]
    rows: dict[str, frozenset[str]]

    def lost_since(self, before: Inventory) -> tuple[str, ...]:
        """Return what `before` had and this one has not, in words."""
        gone = sorted(before.things - self.things)
        tables = {thing.removeprefix("table ") for thing in gone if thing.startswith("table ")}
        gone = [thing for thing in gone if thing.rpartition(" of ")[2] not in tables]
        for table, rows in sorted(before.rows.items()):
            missing = rows - self.rows.get(table, frozenset())
            if missing and table not in tables:
                gone.append(f"{len(missing)} of {len(rows)} rows of {table}")
        return tuple(gone)


def take_inventory(admin_url: str, platform: PlatformState) -> Inventory:
    """Look at the database (as its superuser) and the platform."""
    with connect(admin_url) as connection:
        things = {str(row[0]) for row in connection.execute(_OBJECTS).fetchall()}
        rows: dict[str, frozenset[str]] = {}
        for table, key in connection.execute(_TABLES).fetchall():
            rows[str(table)] = _keys(connection, str(table), str(key) if key else None)
    return Inventory(frozenset(things | set(_of_platform(platform))), rows)


def _of_platform(platform: PlatformState) -> Iterable[str]:
    with platform.lock:
        yield from (f"edge function {name}" for name in platform.functions)
        yield from (f"secret {name}" for name in platform.secrets)


def _keys(connection: psycopg.Connection[Row], table: str, key: str | None) -> frozenset[str]:
    """Return the keys of all rows, or as many numbers as there are rows. Names come quoted from the catalogue."""
    if key is not None:
        found = connection.execute(f"select row({key})::text from {table}").fetchall()  # noqa: S608 - see above
        return frozenset(str(row[0]) for row in found)
    count = connection.execute(f"select count(*) from {table}").fetchall()[0][0]  # noqa: S608 - see above
    return frozenset(str(number) for number in range(int(str(count))))
