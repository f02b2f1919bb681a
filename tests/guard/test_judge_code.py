"""Code of other languages: what its strings start counts, what comments and documentation mention doesn't."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.guard.command_line import judge, packaged_policy
from runbook.guard.programs.code_strings import strings_in, word_lists_in
from runbook.guard.shell.texts import ANY, ANY_WORDS
from runbook.loading import read_policy
from runbook.model import Verdict

RESET = "supabase db reset --linked"


def verdict(program: str, name: str, code: str) -> Verdict:
    """Judge a program that runs a file with this code."""
    return judge(f"{program} {name}", files={name: code}).verdict


DANGEROUS = [
    ("node", "a.js", "require('child_process').execSync('npx supabase db reset --linked')"),
    (
        "node",
        "a.js",
        "const { spawnSync } = require('child_process')\nspawnSync('supabase', ['db', 'reset', '--linked'])",
    ),
    ("node", "a.mjs", "execFileSync('npx', ['--yes', 'supabase', 'db', 'reset', '--linked'], { stdio: 'inherit' })"),
    ("node", "a.js", "exec(`supabase db reset ${process.env.FLAG}`)"),
    ("deno run -A", "a.ts", "new Deno.Command('supabase', { args: ['db', 'reset', '--linked'] }).outputSync()"),
    ("bun run", "a.ts", "Bun.spawnSync(['supabase', 'db', 'reset', '--linked'])"),
    ("npx zx", "a.mjs", "await $`supabase db reset --linked`"),
    ("npx tsx watch", "a.ts", "execa('supabase', ['db', 'reset', '--linked'])"),
    ("python3", "a.py", "import os\nos.system('supabase db reset --linked')"),
    ("python3", "a.py", "subprocess.run(\n    ['supabase', 'db',\n     'reset', '--linked'],\n    check=True)"),
    ("python3 -u", "a.py", 'subprocess.check_call(f"supabase db reset {flag}", shell=True)'),
    ("python3", "a.py", 'subprocess.run(\n    """supabase db reset\n--linked""", shell=True)'),
    ("ruby", "a.rb", "system('supabase', 'db', 'reset', '--linked')"),
    ("ruby", "a.rb", "puts %x(supabase db reset --linked)"),
    ("perl", "a.pl", "print `supabase db reset --linked`;"),
    ("php", "a.php", "<?php // really\nexec('supabase db reset --linked');"),
    ("node", "a.js", "const pg = require('pg')\nawait pool.query('TRUNCATE users CASCADE')"),
    ("python3", "a.py", "import psycopg\nconn.execute('drop table users')"),
]

HARMLESS = [
    ("node", "a.js", "// execSync('supabase db reset --linked')\nrequire('child_process').execSync('ls')"),
    ("node", "a.js", "/* supabase db reset --linked */ exec('ls')"),
    ("node", "a.js", "console.error('Never run supabase db reset --linked'); exec('ls')"),
    ("bun", "a.ts", "const { data } = await supabase.from('tasks').select('*'); await supabase.rpc('exec')"),
    ("python3", "a.py", '"""Run `supabase db reset --linked` never."""\nimport subprocess\nsubprocess.run(["ls"])'),
    (
        "python3",
        "a.py",
        "def f():\n    '''supabase db reset --linked'''\n    return subprocess.run(['supabase', 'status'])",
    ),
    ("python3", "a.py", "# supabase db reset --linked\nos.system('ls')"),
    ("node", "a.js", "execSync('supabase gen types typescript --linked > types.ts')"),
    ("python3", "a.py", "import sqlite3\nconn.execute('drop table users')"),
    ("python3", "a.py", "import psycopg\nconn.execute('delete from users where id = 1')"),
]


@pytest.mark.parametrize(("program", "name", "code"), DANGEROUS)
def test_code_that_starts_a_dangerous_command_needs_a_person(program: str, name: str, code: str) -> None:
    """A string may be a command line, and a list of strings may be a command's words."""
    assert verdict(program, name, code) is Verdict.CONFIRM


@pytest.mark.parametrize(("program", "name", "code"), HARMLESS)
def test_code_that_only_mentions_a_dangerous_command_is_allowed(program: str, name: str, code: str) -> None:
    """Comments, documentation, messages and values of queries run nothing."""
    assert verdict(program, name, code) is Verdict.ALLOW


def test_code_on_the_command_line_and_on_the_input_counts_like_a_file() -> None:
    """A heredoc, a flag, a file that the same line writes, and a file started by its name."""
    code = "require('child_process').execSync('supabase db reset --linked')"
    files = {"a.js": code, "run": f"#!/usr/bin/env node\n{code}\n"}
    for line in (
        f'node -e "{code}"',
        f"node <<'EOF'\n{code}\nEOF",
        f"cat > b.js <<'EOF'\n{code}\nEOF\nnode b.js",
        "node ./a.js",
        "./a.js",
        "./run",
        "node --env-file=.env --title x a.js",
        "npx -y tsx a.js",
    ):
        assert judge(line, files=files).verdict is Verdict.CONFIRM, line


def test_a_module_and_a_script_that_the_policy_knows_are_judged_as_that_program() -> None:
    """`python -m` names a program by its module."""
    assert judge("python3 -m supabase db reset --linked").verdict is Verdict.REFUSE
    assert judge("python3 -m pytest tests").verdict is Verdict.ALLOW


# --- files that code brings in -------------------------------------------------------------------------------------


JS = "require('child_process').execSync('supabase db reset --linked')"
PY = "import os\nos.system('supabase db reset --linked')"
PROJECT = {
    "lib/clean.js": JS,
    "lib/index.js": "import './clean'",
    "lib/types.ts": JS,
    "deep.js": "require('./lib')",
    "deeper.js": "require('./deep')",
    "jobs/clean.py": PY,
    "jobs/near.py": "from . import clean",
    "jobs/beside.py": "import clean",
    "clean.rb": "system('supabase db reset --linked')",
    "clean.php": "<?php system('supabase db reset --linked');",
    "win/x.bat": "call supabase db reset --linked",
    "win/x.ps1": "supabase db reset --linked",
    "win/y.bat": "call win\\x.bat",
    "app.js": "import { createClient } from '@supabase/supabase-js'\nconsole.log('hi')",
    "app.py": "from supabase import create_client\nprint('hi')",
    "win/ok.bat": "npm test",
}

BRINGS_IN = [
    "node lib/clean",
    "node lib",
    "tsx lib/clean",
    "tsx lib/clean.js",
    "deno run -A lib/clean",
    "bun lib/clean",
    "yarn node lib/clean.js",
    "pnpm node lib/clean.js",
    "corepack yarn node lib/clean.js",
    "node --require ./lib/clean.js app.js",
    "node -r ./lib/clean -e 0",
    "node --import=./lib/clean.js app.js",
    "bun --preload ./lib/clean.js app.js",
    "NODE_OPTIONS='--require ./lib/clean.js' node -e 0",
    "export NODE_OPTIONS=--import=./lib/clean.js; node app.js",
    "env NODE_OPTIONS='-r ./lib/clean.js' node app.js",
    "node -e \"require('./lib/clean')\"",
    "node -e \"import('./lib/clean.js')\"",
    "node -e \"import x from './lib/types.js'\"",
    "node deep.js",
    "deno eval \"import './lib/clean.js'\"",
    "python3 -c 'import jobs.clean'",
    "python3 -c 'import os, jobs.clean as c'",
    "python3 -c 'import os; from jobs import (other, clean)'",
    "python3 -c 'from jobs.clean import run'",
    "python3 jobs/near.py",
    "python3 jobs/beside.py",
    "python3 -c \"import runpy; runpy.run_path('jobs/clean.py')\"",
    "python3 -c \"exec(open('jobs/clean.py').read())\"",
    "python3 -c \"import importlib; importlib.import_module('jobs.clean')\"",
    "python3 -m pdb jobs/clean.py",
    "python3 -m cProfile -o out jobs/clean.py",
    "python3 -m coverage run --source=. jobs/clean.py",
    "coverage run -m jobs.clean",
    "python3 -m runpy jobs.clean",
    "PYTHONPATH=other:jobs python3 -m clean",
    "ruby -e 'require_relative \"clean\"'",
    "ruby -e 'load \"clean.rb\"'",
    "ruby -r./clean -e 1",
    "php -r 'require_once __DIR__ . \"/clean.php\";'",
    "php -r 'include(\"clean.php\");'",
    "cmd /c win/x.bat",
    "cmd.exe /c 'win\\x.bat'",
    "cmd /c call 'win\\y.bat'",
    "pwsh -c ./win/x.ps1",
    "powershell -Command '& .\\win\\x.ps1 -Force'",
]

BRINGS_IN_NOTHING = [
    "node app",
    "node --check lib/clean",
    "node -r dotenv/config app.js",
    "node -e \"// require('./lib/clean')\"",
    "NODE_OPTIONS=--max-old-space-size=4096 node app.js",
    "python3 -c '# import jobs.clean'",
    "python3 -m pdb app.py",
    "python3 -m coverage report",
    "coverage run -m pytest tests",
    "PYTHONPATH=jobs python3 app.py",
    "cmd /c win/ok.bat",
    "cmd /c dir win",
]


@pytest.mark.parametrize("line", BRINGS_IN)
def test_a_file_that_code_brings_in_counts_like_the_code(line: str) -> None:
    """By a name without a suffix, an import, a flag, a variable, a program that runs files, or a shell of Windows."""
    assert judge(line, files=PROJECT).verdict is Verdict.CONFIRM


@pytest.mark.parametrize("line", BRINGS_IN_NOTHING)
def test_a_file_that_code_does_not_bring_in_does_not_count(line: str) -> None:
    """A comment, a package, and a file that is only checked or beside the one that runs."""
    assert judge(line, files=PROJECT).verdict is Verdict.ALLOW


def test_imports_are_followed_two_deep_and_in_circles() -> None:
    """Code that imports itself ends, and what is three files away isn't read."""
    assert judge("node deep.js", files=PROJECT).verdict is Verdict.CONFIRM
    assert judge("node deeper.js", files=PROJECT).verdict is Verdict.ALLOW
    circle = {"a.js": "require('./b')", "b.js": f"require('./a'); {JS}"}
    assert judge("node a.js", files=circle).verdict is Verdict.CONFIRM


# --- calls of client libraries -------------------------------------------------------------------------------------


DESTROYING_CALLS = [
    ("node", "a.js", "await s.from('users').delete().neq('id', 0)"),
    ("node", "a.js", "await s\n  .from('users')\n  .delete()\n  .gte('id', f(0))\n  .then(console.log)"),
    ("node", "a.js", "await s.from(table).delete({ count: 'exact' }).not('id', 'is', null);"),
    ("node", "a.js", "await s.from('users').delete()"),
    ("bun", "a.ts", "await s.auth.admin.deleteUser(id)"),
    ("node", "a.js", "await s.storage.emptyBucket('avatars')"),
    ("node", "a.js", "await s.rpc('wipe_all')"),
    ("python3", "a.py", "c.table('users').delete().neq('id', 0).execute()"),
    ("python3", "a.py", "c.table('users') \\\n    .delete() \\\n    .not_.is_('id', 'null') \\\n    .execute()"),
    ("python3", "a.py", "c.auth.admin.delete_user(u.id)"),
    ("python3", "a.py", "c.storage.delete_bucket('x')"),
]

HARMLESS_CALLS = [
    ("node", "a.js", "await s.from('users').delete().eq('id', 1)"),
    ("node", "a.js", "await s\n  .from('users')\n  .delete()\n  .eq('id', 1)\n"),
    ("node", "a.js", "await s.from('users').delete().neq('role', 'admin').in('id', ids)"),
    ("node", "a.js", "await s.from('users').delete().match({ id })"),
    ("node", "a.js", "// s.from('users').delete()\ns.from('users').select()"),
    ("node", "a.js", "await s.rpc('dropdown_items'); await s.rpc('reset_password')"),
    ("node", "a.js", "new Map().delete('x'); await s.storage.createBucket('x')"),
    ("python3", "a.py", "c.table('users') \\\n    .delete() \\\n    .eq('id', 1) \\\n    .execute()"),
    ("python3", "a.py", '"""c.table(\'t\').delete().execute()"""\nc.table("t").select("*").execute()'),
]


@pytest.mark.parametrize(("program", "name", "code"), DESTROYING_CALLS)
def test_a_call_that_deletes_without_saying_which_needs_a_person(program: str, name: str, code: str) -> None:
    """Rows without a filter, users, buckets, and functions whose name says so. The message names the call."""
    judged = judge(f"{program} {name}", files={name: code})
    assert judged.verdict is Verdict.CONFIRM
    assert "It runs code with a call that destroys: it " in judged.reason


@pytest.mark.parametrize(("program", "name", "code"), HARMLESS_CALLS)
def test_a_call_that_says_what_it_deletes_is_allowed(program: str, name: str, code: str) -> None:
    """A filter by value names the rows, and comments call nothing."""
    assert verdict(program, name, code) is Verdict.ALLOW


def test_a_team_adds_a_call_and_keeps_the_packaged_ones(tmp_path: Path) -> None:
    """Under `code_calls` of its programs.yaml, with a reason that the person reads."""
    (tmp_path / "programs.yaml").write_text(
        "code_calls:\n  - reason: it deletes a tenant\n    patterns: ['\\bdeleteTenant\\(']\n"
    )
    policy = read_policy(tmp_path)

    judged = judge('node -e "deleteTenant(1)"', policy=policy)
    assert judged.verdict is Verdict.CONFIRM
    assert "it deletes a tenant: deleteTenant(" in judged.reason
    assert judge("node -e \"s.storage.emptyBucket('x')\"", policy=policy).verdict is Verdict.CONFIRM
    assert judge('node -e "deleteTenant(1)"').verdict is Verdict.ALLOW


@pytest.mark.parametrize(
    ("line", "wanted", "files"),
    [
        pytest.param(test.line, test.verdict, test.files, id=test.line)
        for each in packaged_policy().programs.interpreters
        for test in each.tests
    ],
)
def test_lines_beside_interpreters_get_their_verdict(line: str, wanted: Verdict, files: dict[str, str]) -> None:
    """In programs.yaml."""
    judged = judge(line, files=files) if files else judge(line)
    assert judged.verdict is wanted


# --- strings -------------------------------------------------------------------------------------------------------


def test_what_a_template_takes_from_a_variable_is_unknown() -> None:
    """In JavaScript, Ruby and Python. Other strings are what they are, and so is what a backslash protects."""
    for code, comments, value in (
        ("`a ${b} c`", ("//",), f"a {ANY} c"),
        ("`a \\${b}`", ("//",), "a ${b}"),
        ('"a ${b} {c}"', ("//",), "a ${b} {c}"),
        ('"a #{b}"', ("#",), f"a {ANY}"),
        ("'a #{b}'", ("#",), "a #{b}"),
        ("f'a {b} {{c}}'", ("#",), f"a {ANY} {{{{c}}}}"),
        ("'a {b}'", ("#",), "a {b}"),
        ("const b = 'x'; run(`a ${b}`)", ("//",), "a x"),
    ):
        assert strings_in(code, comments)[-1].value == value, code


def test_a_list_goes_on_over_unknown_items_and_ends_with_its_bracket() -> None:
    """An item that isn't a string may be any words."""
    found = list(strings_in("run(['a', 'b', *c, 'd']); e('f')", ()))
    assert ("a", "b", ANY_WORDS, "d") in set(word_lists_in(found))
    assert not any("f" in words for words in word_lists_in(found))


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n\r{}$#"), max_size=8), max_size=5))
def test_strings_are_read_as_python_reads_them(values: list[str]) -> None:
    """Python's own notation of a list gives back its strings, whatever is in them."""
    assert [string.value for string in strings_in(_code(values), ("#",))] == values


def _code(values: list[str]) -> str:
    """Return a list in Python's notation, with the escapes that most languages share."""
    quoted = ("'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'" for value in values)
    return f"run([{', '.join(quoted)}])  # 'not this'"
