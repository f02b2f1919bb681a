"""Check what must be true after the walk: the drill's own proofs, that nothing was lost, and that nobody was called."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runbook.drill.database import connect, query
from runbook.drill.platform_state import PROJECT_HOST, PlatformState
from runbook.errors import RunbookError
from runbook.journal.events import Event, OptionChosen, Outcome, StepFinished
from runbook.linear_regex import linear_regex
from runbook.model import KnownError, Proof
from runbook.reports.failures import failures

if TYPE_CHECKING:
    import psycopg

    from runbook.drill.database import Row

__all__ = [
    "Inventory", "ProofResult", "check_proof", "checked_steps", "prove_nothing_lost", "prove_stayed_inside",
    "take_inventory", "unwalked",
]  # fmt: skip

_VALUE = re.compile(r"\[[^\]]*\]")
_HISTORY = "select coalesce(name, '') from supabase_migrations.schema_migrations order by version"


@dataclass(frozen=True, slots=True)
class ProofResult:
    """What should be true, whether it is, and what was found instead."""

    text: str
    held: bool
    found: str = ""


def checked_steps(events: Iterable[Event]) -> frozenset[str]:
    """Return the paths (without the values of `each`) of steps that compared more than an exit code and passed."""
    # Evidence begins with the exit code. Anything else that was compared comes after a semicolon.
    return frozenset(
        _VALUE.sub("", event.step)
        for event in events
        if isinstance(event, StepFinished) and event.outcome is Outcome.PASSED and ";" in event.evidence
    )


def unwalked(names: Iterable[str], events: Iterable[Event]) -> tuple[str, ...]:
    """Return the steps that weren't done, or not after those before them. A question is done once it's answered."""
    done = [
        _VALUE.sub("", event.step)
        for event in events
        if isinstance(event, OptionChosen) or (isinstance(event, StepFinished) and event.outcome is Outcome.PASSED)
    ]
    missing, at = [], 0
    for name in names:
        found = next((place for place in range(at, len(done)) if name in _names(done[place])), None)
        if found is None:
            missing.append(name)
        else:
            at = found + 1
    return tuple(missing)


def _undiagnosed(wanted: Mapping[str, str], events: Sequence[Event], errors: Sequence[KnownError]) -> Iterator[str]:
    """Yield a sentence for each step that didn't fail with the expected known error."""
    found: dict[str, list[str]] = {}
    for event, diagnosis in failures(events, errors):
        seen = diagnosis.known.id if diagnosis and diagnosis.known else "unknown"
        for name in set(_names(_VALUE.sub("", event.step))):
            found.setdefault(name, []).append(seen)
    for step, error in wanted.items():
        ids = found.get(step, [])
        if error not in ids:
            yield f"{step} was recognized as {', '.join(ids)}, not as {error}" if ids else f"{step} didn't fail"


def _names(path: str) -> tuple[str, str]:
    return path, path.rpartition("/")[2]


def check_proof(
    proof: Proof,
    admin_url: str,
    platform: PlatformState,
    events: Iterable[Event] = (),
    errors: Sequence[KnownError] = (),
    project: Path | None = None,
) -> ProofResult:
    """Check a proof. If it can't be checked, it has failed.

    `errors` are the book's known errors, and `project` is the working tree.
    """
    if proof.checked is not None:
        known = {name for path in checked_steps(events) for name in _names(path)}
        missing = ", ".join(step for step in proof.checked if step not in known)
        return ProofResult(proof.text, held=not missing, found=f"not checked: {missing}" if missing else "")
    if proof.diagnosed is not None:
        wrong = "; ".join(_undiagnosed(proof.diagnosed, tuple(events), errors))
        return ProofResult(proof.text, held=not wrong, found=wrong)
    if proof.walked is not None:
        left = ", ".join(unwalked(proof.walked, events))
        return ProofResult(proof.text, held=not left, found=f"not done, or not in this order: {left}" if left else "")
    if proof.captured is not None:
        return _was_captured(proof.text, proof.captured, events)
    try:
        wanted, found = _compare(proof, admin_url, platform, project)
    except RunbookError as error:
        return ProofResult(proof.text, held=False, found=error.message)
    return ProofResult(
        proof.text, held=wanted == found, found="" if wanted == found else f"wanted {wanted}, found {found}"
    )


def _was_captured(text: str, wanted: Mapping[str, str], events: Iterable[Event]) -> ProofResult:
    found = [item for event in events if isinstance(event, StepFinished) for item in event.captured.items()]
    missing = [f"{name} = {value}" for name, value in wanted.items() if (name, value) not in found]
    saw = ", ".join(f"{name} = {value}" for name, value in found if name in wanted) or "none"
    return ProofResult(text, held=not missing, found=f"wanted {', '.join(missing)}; found {saw}" if missing else "")


def prove_nothing_lost(before: Inventory, after: Inventory, on_purpose: Sequence[str] = ()) -> ProofResult:
    """Prove that everything from after the scenario is still there, except what the drill removes on purpose."""
    gone = [thing for thing in after.lost_since(before) if thing not in on_purpose]
    text = f"Nothing but {', '.join(on_purpose)} was lost" if on_purpose else "Nothing was lost or destroyed"
    return ProofResult(text, held=not gone, found="gone: " + ", ".join(gone) if gone else "")


def prove_stayed_inside(attempts: Sequence[str]) -> ProofResult:
    """Prove that no command asked for anything beyond this machine.

    `link` asks the host of the drill's own project for the versions of its services. That host's name never resolves.
    """
    tried = ", ".join(dict.fromkeys(one for one in attempts if one != f"CONNECT {PROJECT_HOST}:443"))
    return ProofResult(
        "No command tried to leave this machine", held=not tried, found=f"tried: {tried}" if tried else ""
    )


def _compare(proof: Proof, admin_url: str, platform: PlatformState, project: Path | None) -> tuple[str, str]:
    if proof.sql is not None:
        rows = query(admin_url, proof.sql)
        value = rows[0][0] if rows else "no row"
        # Booleans as in SQL: `true`, not `True`.
        return proof.equals or "", str(value).lower() if isinstance(value, bool) else "null" if value is None else str(
            value
        )
    if proof.history is not None:
        return ", ".join(proof.history), ", ".join(str(row[0]) for row in query(admin_url, _HISTORY))
    if proof.files is not None or proof.modified is not None:
        wanted = proof.modified if proof.files is None else proof.files
        return ", ".join(wanted or ()), ", ".join(_migrations(project, modified=proof.files is None))
    with platform.lock:
        return _compare_platform(proof, platform)


def _compare_platform(proof: Proof, platform: PlatformState) -> tuple[str, str]:
    if proof.function is not None:
        function = platform.functions.get(proof.function)
        if function is None:
            return f"version {proof.equals}", "no such function"
        lacks = proof.source is not None and proof.source not in function.source
        other = f" without '{proof.source}' in its source" if lacks else ""
        wanted = _of_function(proof, proof.equals, proof.verify_jwt, proof.entrypoint)
        found = _of_function(proof, function.version, str(function.verify_jwt).lower(), function.entrypoint)
        return wanted, found + other
    if proof.secret is not None:
        value = platform.secrets.get(proof.secret)
        found = "not set" if value is None else "set" if proof.equals is None else value
        return "set" if proof.equals is None else proof.equals, found
    pattern = linear_regex(proof.request or "")
    return proof.equals or "yes", "yes" if any(pattern.search(line) for line in platform.requests) else "no"


def _of_function(proof: Proof, version: object, verify_jwt: object, entrypoint: object) -> str:
    """Return in words the properties of a function that a proof compares."""
    jwt = f", verify_jwt {verify_jwt}" if proof.verify_jwt is not None else ""
    return f"version {version}{jwt}" + (f", entrypoint {entrypoint}" if proof.entrypoint is not None else "")


def _migrations(project: Path | None, *, modified: bool) -> list[str]:
    """Return the names of the project's migration files, or of those whose content differs from the newest commit."""
    if project is None:
        raise RunbookError("there is no project to check")
    folder = project / "supabase" / "migrations"
    if not modified:
        return sorted(file.name for file in folder.iterdir())
    words = ["git", "-c", "core.quotepath=off", "diff", "--name-only", "--diff-filter=MT", "HEAD", "--", "."]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False, timeout=30)
    if done.returncode != 0:
        raise RunbookError(f"git can't compare the files: {done.stderr.strip()}")
    return sorted(Path(line).name for line in done.stdout.splitlines())


# --- what could be lost ---------------------------------------------------------------------------------------------


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
# Only a key tells one row from another, so the rows of a table without a key are counted.
_TABLES = f"""
select c.oid::regclass::text,
  (select string_agg(quote_ident(a.attname), ', ' order by a.attnum) from pg_index i
   join pg_attribute a on a.attrelid = c.oid and a.attnum = any(i.indkey) where i.indrelid = c.oid and i.indisprimary)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and n.nspname not in ({_SYSTEM}) and n.nspname !~ '^pg_'
"""  # noqa: S608 - both lists are constants above


@dataclass(frozen=True, slots=True)
class Inventory:
    """Names of things, and rows by table. Comparing two inventories shows what was lost."""

    things: frozenset[str]
    rows: dict[str, frozenset[str]]

    def lost_since(self, before: Inventory) -> tuple[str, ...]:
        """Return in words what `before` has and this one hasn't."""
        gone = sorted(before.things - self.things)
        tables = {thing.removeprefix("table ") for thing in gone if thing.startswith("table ")}
        # With a table, its columns and rows are gone too. Naming the table is enough.
        gone = [thing for thing in gone if thing.rpartition(" of ")[2] not in tables]
        for table, rows in sorted(before.rows.items()):
            missing = rows - self.rows.get(table, frozenset())
            if missing and table not in tables:
                gone.append(f"{len(missing)} of {len(rows)} rows of {table}")
        return tuple(gone)


def take_inventory(admin_url: str, platform: PlatformState) -> Inventory:
    """Return what is in the database (as its superuser sees it) and on the platform."""
    with connect(admin_url) as connection:
        things = {str(row[0]) for row in connection.execute(_OBJECTS).fetchall()}
        rows: dict[str, frozenset[str]] = {}
        for table, key in connection.execute(_TABLES).fetchall():
            rows[str(table)] = _keys(connection, str(table), str(key) if key else None)
    with platform.lock:
        things |= {f"edge function {name}" for name in platform.functions}
        things |= {f"secret {name}" for name in platform.secrets}
    return Inventory(frozenset(things), rows)


def _keys(connection: psycopg.Connection[Row], table: str, key: str | None) -> frozenset[str]:
    """Return the keys of all rows, or as many numbers as there are rows. The catalogue returns names quoted."""
    if key is not None:
        found = connection.execute(f"select row({key})::text from {table}").fetchall()  # noqa: S608 - see above
        return frozenset(str(row[0]) for row in found)
    count = connection.execute(f"select count(*) from {table}").fetchall()[0][0]  # noqa: S608 - see above
    return frozenset(str(number) for number in range(int(str(count))))
