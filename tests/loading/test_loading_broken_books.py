"""Broken files, each through the real command line: what is said, and where.

The mark § stands before the place that must be named; it is taken out before the file is written.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.books import HEAD, PATTERNS, POLICY, PROCEDURE, SUPABASE, marked, procedure_text, write_book

from runbook.cli import main

LOOK = "- {id: look, title: Look, run: 'npx supabase migration list {{target}}'}\n"


def _procedure(name: str, text: str, *messages: str) -> object:
    return pytest.param("procedures/add-thing.yaml", text, messages, id=name)


def _file(name: str, file: str, text: str, *messages: str) -> object:
    return pytest.param(file, text, messages, id=name)


def _head(name: str, old: str, new: str, *messages: str) -> object:
    assert old in PROCEDURE
    return _procedure(name, PROCEDURE.replace(old, new, 1), *messages)


def _step(name: str, steps: str, *messages: str, more: str = "") -> object:
    return _procedure(name, procedure_text(steps, more=more), *messages)


BROKEN = [
    # YAML itself
    _procedure("tab", f"{PROCEDURE}§\tneeds: [x]\n", "a tab can't indent YAML"),
    _procedure("open-quote", 'title: §"Add\nsummary: x\n', "not valid YAML: while scanning a quoted scalar"),
    _procedure("colon-in-text", "title: Add§: a thing\n", "must be quoted"),
    _procedure("at-sign", "title: §@home\n", "that begins with @"),
    _procedure("empty", "§", "is empty"),
    _procedure("two-documents", f"{PROCEDURE}§---\ntitle: x\n", "a second document"),
    _procedure("text-for-all", "§hello\n", "expected a procedure"),
    _head("duplicate-key", "minutes: 5\n", "minutes: 5\n§minutes: 6\n", "appears twice, first on line 8"),
    _head("anchor", "owner: database", "owner: §&me database", "the anchor &me"),
    _head("alias", "minutes: 5\n", "minutes: 5\nneeds: §*me\n", "the alias *me"),
    _head("merge", "minutes: 5\n", "minutes: 5\n§<<: {needs: [x]}\n", "the merge key <<"),
    _head("tag", "owner: database", "owner: §!!str database", "the tag !!str"),
    _head("own-tag", "owner: database", "owner: §!secret database", "the tag !secret"),
    _head("list-for-key", "minutes: 5\n", "minutes: 5\n? §[a]\n: b\n", "a key must be a plain word"),
    _head("control-character", "Add a thing\n", "Add a § \x07thing\n".replace("§ ", "§"), "control character (U+0007)"),
    # values that read as something else
    _head("number-for-text", "Add a thing\n", "§1.10\n", "1.10 reads as the number 1.1: quote it"),
    _head("octal-for-text", "owner: database", "owner: §010", "010 reads as the number 8: quote it"),
    _head("time-for-text", "owner: database", "owner: §12:30", "12:30 reads as the number 750: quote it"),
    _head("truth-for-text", "owner: database", "owner: §on", "on reads as true: quote it"),
    _head("nothing-for-text", "owner: database", "owner: §~", "~ reads as nothing: quote it"),
    _head("no-value", "owner: database", "owner:§", "has no value"),
    _head("date-for-text", "owner: database", "owner: §2026-01-02", "2026-01-02 reads as a date: quote it"),
    _head("impossible-date-for-text", "owner: database", "owner: §2026-13-45", "isn't text: quote it"),
    _head("list-for-text", "owner: database", "owner: §[a, b]", "expected one value, found a list"),
    _head("mapping-for-text", "owner: database", "owner: §{a: b}", "expected one value, found a mapping"),
    _head("text-for-list", "use_when: [A thing is missing]", "use_when: §Always", "expected a list"),
    _head("empty-list", "use_when: [A thing is missing]", "use_when: §[]", "this list is empty"),
    _head("empty-text", "owner: database", "owner: §''", "is empty"),
    _head("two-lines", "owner: database", 'owner: §"a\\nb"', "is not one line of text"),
    _head("no-date", "2026-01-02", "§January", "'January' is not a date such as 2026-11-23"),
    _head("impossible-date", "2026-01-02", "§2026-02-30", "'2026-02-30' is not a date"),
    _head("no-duration", "90d", "§ninety days", "is not a duration such as 90d"),
    _head("wrong-unit", "90d", "§90s", "'90s' is not a duration such as 90d"),
    _head("octal-number", "minutes: 5", "minutes: §05", "'05' is not a whole number"),
    _head("zero", "minutes: 5", "minutes: §0", "0 is less than 1"),
    _head("not-a-choice", "section: before", "section: §beforehand", "isn't one of start, before, during"),
    _head(
        "not-a-truth",
        "minutes: 5\n",
        "minutes: 5\nparameters: {x: {ask: X?, example: y, secret: §yes}}\n",
        "'yes' is neither true nor false",
    ),
    # keys
    _head("unknown-key", "minutes: 5", "§minuts: 5", "did you mean 'minutes'?")
    if False
    else _head(
        "unknown-key",
        "minutes: 5\n",
        "minutes: 5\n§relatde: [x]\n",
        "unknown key 'relatde' in a procedure; did you mean 'related'?",
    ),
    _head("key-that-reads-as-truth", "minutes: 5\n", "minutes: 5\n§on: x\n", "the key on isn't text"),
    _procedure("missing-keys", "§title: x\n", "a procedure has no 'summary' and no 'section' and no"),
    _step("unknown-key-of-step", "- {id: a, title: A, run: git log, §rolback: x}\n", "unknown key 'rolback' in a step"),
    _step("step-without-title", "- §{id: a, run: git log}\n", "a step 'a' has no 'title'"),
    _step("step-without-kind", "- §{id: a, title: A}\n", "a step 'a' needs one of 'run', 'sql'"),
    _step("two-kinds", "- {id: a, title: A, run: git log, §tick: x}\n", "has 'run' and 'tick'; only one is allowed"),
    _step(
        "key-of-other-kind",
        "- {id: a, title: A, run: git log, §writes: true}\n",
        "'writes' can only be used with 'sql', not with 'run'",
    ),
    _step("wait-without-reason", "- §{id: a, title: A, wait: 5s}\n", "a step 'a' has no 'for'"),
    _step("text-for-step", "- §look around\n", "expected a step, with keys such as"),
    _step(
        "bad-id", "- {id: §LookHere, title: A, run: git log}\n", "'LookHere' is not a name in lower case with hyphens"
    ),
    _step("one-option", "- {id: a, title: A, choose: §[{when: x}]}\n", "has 1 item where 2 are needed"),
    _step(
        "bad-cli-major",
        "- {id: a, title: A, run: git log, on_cli: {§three: {tick: x}}}\n",
        "'three' is not a whole number",
    ),
    # names within a file
    _step(
        "duplicate-step",
        "- {id: look, title: A, run: git log}\n- {id: §look, title: B, run: git log}\n",
        "a step called 'look' is already on line 10",
    ),
    _step(
        "duplicate-step-in-branch",
        """\
        - {id: look, title: A, run: git log}
        - id: which
          title: Which?
          choose:
            - when: One
              steps: [{id: §look, title: B, run: git log}]
            - when: Other
        """,
        "a step called 'look' is already on line 10",
    ),
    _step(
        "duplicate-option",
        "- {id: which, title: Which?, choose: [{when: One}, {when: §One}]}\n",
        "an option called 'One'",
    ),
    _step(
        "ten-steps",
        "".join(f"- {'§' if n == 9 else ''}{{id: s{n}, title: A, run: git log}}\n" for n in range(10)),
        "the phase has more than 9 steps",
    ),
    # commands
    _step("pipe", "- {id: a, title: A, run: git log §| head}\n", "commands don't go through a shell: |"),
    _step(
        "quoted-pipe-before-real-one",
        "- id: a\n  title: A\n  run: git log '|' §| head\n",
        "commands don't go through a shell: |",
    ),
    _step("semicolon", "- {id: a, title: A, run: git log§; git log}\n", "commands don't go through a shell: ;"),
    _step("and", "- id: a\n  title: A\n  run: git log §&& git log\n", "commands don't go through a shell: &"),
    _step("variable", "- {id: a, title: A, run: git log §$HOME}\n", "commands don't go through a shell: $"),
    _step(
        "variable-in-quotes", '- id: a\n  title: A\n  run: git log "§$HOME"\n', "commands don't go through a shell: $"
    ),
    _step("redirect", "- {id: a, title: A, run: git log §> x}\n", "commands don't go through a shell: >"),
    _step("substitution", "- {id: a, title: A, run: git log §`date`}\n", "commands don't go through a shell: `"),
    _step("glob", "- {id: a, title: A, run: git log §*.sql}\n", "commands don't go through a shell: *"),
    _step("home", "- {id: a, title: A, run: git log §~/x}\n", "commands don't go through a shell: ~"),
    _step("braces", "- id: a\n  title: A\n  run: git log §{a,b}\n", "commands don't go through a shell: {"),
    _step("two-lines-of-command", "- id: a\n  title: A\n  run: §|\n    git log\n    git log\n", "a line break"),
    _step("assignment", "- {id: a, title: A, run: §A=1 git log}\n", "you can't set a variable before one"),
    _step("open-quote-in-command", "- {id: a, title: A, run: §git log 'x}\n", "a quote in this command isn't closed"),
    _step("no-command", "- {id: a, title: A, run: §''}\n", "there is no command here"),
    _step("program-from-value", "- {id: a, title: A, run: '§{{x}} log'}\n", "the program of a command must be fixed"),
    _step(
        "target-in-word",
        "- {id: a, title: A, run: 'npx supabase db push §--x={{target}}'}\n",
        "{{target}} must be a word of its own",
    ),
    # templates
    _step(
        "shell-in-placeholder", "- {id: a, title: A, run: 'git log §{{a; b}}'}\n", "{{a; b}} is not a plain {{name}}"
    ),
    _step("filter-in-placeholder", "- {id: a, title: A, run: 'git log §{{ x | y }}'}\n", "is not a plain {{name}}"),
    _step("spaces-in-placeholder", "- {id: a, title: A, run: 'git log §{{ x }}'}\n", "is not a plain {{name}}"),
    _step("open-placeholder", "- {id: a, title: A, run: git log, why: 'See §{{x'}\n", "{{ is not a plain {{name}}"),
    _step("bad-placeholder-in-sql", "- {id: a, title: A, sql: 'select §{{1}}'}\n", "{{1}} is not a plain {{name}}"),
    _head(
        "placeholder-in-prose", "minutes: 5\n", "minutes: 5\nafter: [§'Look at {{x}}']\n", "{{x}} is not filled in here"
    ),
    _step(
        "placeholder-in-answer",
        "- {id: a, title: A, choose: [{when: §'In {{x}}'}, {when: Other}]}\n",
        "{{x}} is not filled in here",
    ),
    # expressions
    _step("bad-pattern", "- {id: a, title: A, run: git log, expect: {matches: '§(x'}}\n", "not a regular expression"),
    _step(
        "placeholder-in-expression",
        "- {id: a, title: A, run: git log, expect: {absent: §'{{x}}'}}\n",
        "{{x}} is not filled into an expression",
    ),
    _step(
        "pattern-without-group", "- {id: a, title: A, run: git log, capture: {x: {pattern: §'x'}}}\n", "needs a group"
    ),
    _step("bad-path", "- {id: a, title: A, run: git log, capture: {x: {json: §'a..b'}}}\n", "is not a path such as"),
    # references
    _step(
        "see",
        "- {id: a, title: A, run: git log, if_it_fails: {text: x, see: §add-thin}}\n",
        "did you mean 'add-thing'?",
    ),
    _step("include", "- {id: a, title: A, include: §elsewhere}\n", "there is no procedure 'elsewhere'"),
    _step("include-itself", "- §{id: a, title: A, include: add-thing}\n", "form a cycle: add-thing > add-thing"),
    _head("related", "minutes: 5\n", "minutes: 5\nrelated: [§nothing]\n", "there is no procedure 'nothing'"),
    # the other files
    _file(
        "policy-choice",
        "policy.yaml",
        POLICY.replace("remote: refuse", "remote: §never", 1),
        "isn't one of allow, confirm, refuse",
    ),
    _file("policy-flag", "policy.yaml", POLICY.replace("[--version]", "[§version]", 1), "is not a flag such as"),
    _file(
        "policy-twice",
        "policy.yaml",
        POLICY.replace("id: db-push", "id: §migration-list", 1),
        "a rule called 'migration-list'",
    ),
    _file(
        "supabase-family",
        "supabase.yaml",
        SUPABASE.replace("project: {production: [--remote]", "§projects: {production: [--remote]", 1),
        "'projects' isn't one of database, project, runbook, nothing",
    ),
    _file(
        "supabase-majors",
        "supabase.yaml",
        re.sub(r"(?ms)^majors:.*?(?=^\S)", "majors: §{}\n", f"{SUPABASE}end:\n").removesuffix("end:\n"),
        "at least one name with a value is needed",
    ),
    _file(
        "patterns-see",
        "patterns.yaml",
        PATTERNS.replace("see: add-thing", "see: §nowhere"),
        "there is no procedure 'nowhere'",
    ),
    _file("advice-key", "advice.yaml", "advice: [{id: a, title: A, §does: []}]\n", "unknown key 'does' in a topic"),
    _file("stray-file", "polcy.yaml", "§rules: []\n", "isn't a file of a book; did you mean policy.yaml?"),
    _file("yml", "procedures/other.yml", f"§{PROCEDURE}", "a procedure's file name must end in .yaml"),
    _file("name", "procedures/Add_Thing.yaml", f"§{PROCEDURE}", "its name isn't an id"),
]


@pytest.mark.parametrize(("file", "text", "messages"), BROKEN)
def test_each_problem_is_named_with_its_place(
    file: str, text: str, messages: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A broken file ends the check with 2 and one finding for each mark, at the mark, without a traceback."""
    clean, places = marked(text)
    book = write_book(tmp_path / "book")
    (book / file).write_text(clean, encoding="utf-8", newline="")
    code = main(["--book", str(book), "check"])
    out, err = capsys.readouterr()
    heads = [line for line in out.splitlines() if line.startswith(str(book))]
    assert code == 2, out + err
    assert [head.split(": ", 1)[0] for head in heads] == [f"{book / file}:{line}:{column}" for line, column in places]
    for head, message in zip(heads, messages, strict=True):
        assert message in head
    assert "Traceback" not in out + err


def test_head_is_sound(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The procedure that the table breaks is itself without a problem."""
    book = write_book(tmp_path / "book", {"add-thing": HEAD + "steps:\n  " + LOOK})
    assert main(["--book", str(book), "check"]) == 0
    told = capsys.readouterr().err.splitlines()[-1]
    assert told.startswith("1 procedure, 1 step, ")
    assert told.endswith(" rules: no problems")


def test_all_problems_of_all_files_are_told_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Problems of YAML, of fields, of references and of placeholders come together, sorted by place."""
    steps = "- {id: a, title: '{{x}}', run: git log | head}\n- {id: a, title: 1.10, includ: b}\n"
    book = write_book(
        tmp_path / "book",
        {
            "bad": procedure_text(steps),
            "worse": "title: [",
            "unused": PROCEDURE.replace("steps:", "after: ['{{']\nsteps:"),
        },
        policy=POLICY.replace("id: db-push", "id: DB"),
    )
    assert main(["--book", str(book), "check"]) == 2
    out, err = capsys.readouterr()
    heads = [line.removeprefix(f"{book}/") for line in out.splitlines() if line.startswith(str(book))]
    assert [head.split(": ")[0] for head in heads] == [
        "policy.yaml:15:9",
        "procedures/bad.yaml:10:42",
        "procedures/bad.yaml:11:5",
        "procedures/bad.yaml:11:10",
        "procedures/bad.yaml:11:20",
        "procedures/bad.yaml:11:26",
        "procedures/worse.yaml:1:9",
    ]
    assert err == "7 problems in 3 files\n"
