"""Write small books to disk: a valid procedure to start from, and a policy that knows a few commands."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from textwrap import dedent, indent

from runbook.model import Book

__all__ = [
    "ADVICE",
    "FIX_HEAD",
    "MARK",
    "PATTERNS",
    "POLICY",
    "PROCEDURE",
    "SUPABASE",
    "alone",
    "marked",
    "procedure_text",
    "write_book",
]

HEAD = """\
title: Add a thing
summary: A thing is added.
section: before
use_when: [A thing is missing]
owner: database
reviewed: 2026-01-02
review_every: 90d
minutes: 5
"""

FIX_HEAD = """\
title: Fix it
summary: Something is broken.
section: wrong
use_when: [It is broken]
owner: database
reviewed: 2026-11-23
review_every: 3650d
minutes: 5
"""
"""The head of a procedure to walk, which isn't due for review for years."""

PROCEDURE = (
    HEAD
    + """\
steps:
  - id: look
    title: Look at the history
    run: npx supabase migration list {{target}}
"""
)

POLICY = """\
global_value_flags: {supabase: [--workdir, --profile]}
global_options: {supabase: [--workdir, --output-format, --output]}
remote_flags: [--linked, --remote, --project-ref, --db-url]
rules:
  - id: migration-list
    program: supabase
    command: migration list
    reaches: database
    effect: reads
    remote: allow
    local: allow
    bare: {2: production, 3: local}
    reason: It shows the history.
    tests: [{line: "npx supabase migration list", verdict: allow}]
  - id: db-push
    program: supabase
    command: db push
    reaches: database
    effect: writes
    remote: allow
    local: allow
    bare: {2: production, 3: local}
    reason: It applies the pending migrations.
    variants: [{flags: [--dry-run], effect: reads}]
  - id: db-reset
    program: supabase
    command: db reset
    reaches: database
    effect: destroys
    remote: refuse
    local: confirm
    bare: {2: local, 3: local}
    reason: It deletes all data.
    instead: Write a migration that puts things back.
    value_flags: [--version]
    tests: [{line: "npx supabase db reset --linked", verdict: refuse}]
  - id: db-query
    program: supabase
    command: db query
    reaches: database
    effect: reads
    remote: allow
    local: allow
    bare: {2: local, 3: local}
    reason: It runs SQL.
    value_flags: [--output-format, --output]
    options: [--read-only]
    variants:
      - {sql: writes, effect: writes, remote: confirm}
      - {sql: destroys, effect: destroys, remote: refuse}
  - {id: migration-new, program: supabase, command: migration new, reaches: nothing, effect: writes, remote: allow,
     local: allow, reason: It writes a file.}
  - {id: functions-deploy, program: supabase, command: functions deploy, reaches: project, effect: writes,
     remote: allow, local: allow, bare: {2: production, 3: production}, reason: It replaces a function.}
  - {id: secrets-set, program: supabase, command: secrets set, reaches: project, effect: writes, remote: allow,
     local: allow, bare: {2: production, 3: production}, reason: It sets secrets., value_flags: [--env-file]}
  - {id: logs, program: supabase, command: logs, reaches: project, effect: reads, remote: allow, local: allow,
     bare: {3: local}, majors: [3], reason: It shows logs.}
  - {id: git-log, program: git, command: log, reaches: nothing, effect: reads, remote: allow, local: allow,
     options: [--grep, --oneline], reason: It shows commits.}
"""

SUPABASE = """\
majors:
  3:
    proven: 3.1.0
    target:
      database: {production: [--remote], local: [], drill: ["--remote={{drill_url}}"]}
      project: {production: [--remote], drill: ["--remote={{project_ref}}"]}
    query: [npx, supabase, db, query, "{{target}}", --output-format, json, "{{sql}}"]
    query_read: [npx, supabase, db, query, --read-only, "{{target}}", --output-format, json, "{{sql}}"]
  2:
    proven: 2.122.1
    target:
      database: {production: [--linked], local: [--local], drill: [--db-url, "{{drill_url}}"]}
      project: {production: [--project-ref, "{{project_ref}}"], drill: [--project-ref, "{{project_ref}}"]}
    query: [npx, supabase, db, query, "{{target}}", --output, json, "{{sql}}"]
    query_read: [npx, supabase, db, query, "{{target}}", --output, json, "{{sql}}"]
"""

PATTERNS = """\
patterns:
  - id: add-column
    title: Add a column
    safe: alter table t add column c text;
    unsafe: alter table t add column c text not null;
    why: It fails on a table with rows.
    caught_by: drop-column
    see: add-thing
"""

ADVICE = """\
advice:
  - id: before
    title: Before a migration
    do: [{text: Look at the history, why: It tells what is applied}]
    dont: [{text: Hurry}]
"""


def procedure_text(steps: str, *, more: str = "") -> str:
    """Return the YAML of a procedure with a valid head (8 lines). `steps` is the list below `steps:`."""
    return f"{HEAD}{dedent(more)}steps:\n{indent(dedent(steps), '  ')}"


def write_book(directory: Path, procedures: dict[str, str] | None = None, **files: str) -> Path:
    """Write a book with those procedures (default: one valid one) and return its directory.

    `policy`, `supabase`, `patterns` and `advice` replace the files of that name.
    """
    texts = {"policy": POLICY, "supabase": SUPABASE, **files}
    (directory / "procedures").mkdir(parents=True)
    for name, text in (procedures if procedures is not None else {"add-thing": PROCEDURE}).items():
        (directory / "procedures" / f"{name}.yaml").write_text(text, encoding="utf-8")
    for name, text in texts.items():
        (directory / f"{name}.yaml").write_text(text, encoding="utf-8")
    return directory


def alone(book: Book) -> Book:
    """Return a book as if its policy were the packaged one: stand-ins for the CLI know nothing of that."""
    packaged = ("runbook/book/policy.yaml", "runbook/book/supabase.yaml")
    sources = {name: text for name, text in book.sources.items() if not name.endswith(packaged)}
    return replace(book, policy=book.policy.layers[-1], sources=sources)


MARK = "§"


def marked(text: str) -> tuple[str, list[tuple[int, int]]]:
    """Return a text without its marks, and the places (line, column) where they were."""
    places = []
    for number, line in enumerate(text.splitlines(), start=1):
        while MARK in line:
            places.append((number, line.index(MARK) + 1))
            line = line.replace(MARK, "", 1)  # noqa: PLW2901 - each mark shifts those behind it
    return text.replace(MARK, ""), places
