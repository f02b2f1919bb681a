"""Code of other languages: what its strings start counts, what comments and documentation mention doesn't."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.guard.command_line import judge
from runbook.guard.programs.code_strings import strings_in, word_lists_in
from runbook.guard.shell.texts import ANY, ANY_WORDS
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
