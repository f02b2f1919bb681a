"""Books that read well and are not safe or not complete, each through the real command line.

The mark § stands before the place that must be named; it is taken out before the file is written.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from support.books import PROCEDURE, marked, procedure_text, write_book

from runbook.cli import main

ONE = "parameters: {one: {ask: One?, example: x}}\n"
MANY = "parameters: {names: {ask: Names?, example: 'a,b', many: true}}\n"
SECRET = "parameters: {key: {ask: Key?, example: x, secret: true}}\n"
LINES = "parameters: {key: {ask: Key?, example: x, §lines: many}}\n"
DIGEST = "- {id: a, title: A, run: git log, expect: {sha256: {'0.a': §key}}}\n"
SHORT = {
    "ASKS": "{id: a, tick: 'At {{it}}', asks: {name: n, ask: N?, example: x}}",
    "NONE": "undo: {none: It can't be}",
    "SET": "'npx supabase secrets set {{target}} --env-file {{env_file}}'",
}
DRILL = """\
drills:
  - name: other
    briefing: x
    scenario: {}
    answers: {one: x, which: "Yes"}
    prove: [{text: x, sql: select 1, equals: "1"}]
  - name: here
    briefing: x
    scenario: {}
    answers: %s
    prove: [{text: x, sql: select 1, equals: "1"}]
parameters: {one: {ask: One?, example: x, pattern: "[a-z]"}}
"""
ONE_DRILL = """\
drills:
  - %sname: here
    briefing: x
    scenario: {}
    answers: %s
    prove: [{text: x, sql: select 1, equals: "1"}]
"""
EVENT = """\
drills:
  - name: here
    briefing: x
    scenario:
      events: [{at: %s}]
    answers: {}
    prove: [{text: x, sql: select 1, equals: "1"}]
"""
CHECKED = """\
drills:
  - name: here
    briefing: x
    scenario: {}
    prove: [{text: x, checked: [§%s]}]
"""
WALKED = CHECKED.replace("checked: [§%s]", "walked: [%s]")
LATER = "- {id: later, title: L, run: git log}\n"
LOOK = "- {id: look, title: L, run: git log, expect: {exit: 1}}\n"
CHOICE = """\
- {id: look, title: "Look at {{one}}", run: git log}
- id: which
  title: Which?
  choose:
    - when: "Yes"
      steps: [{id: inner, title: Which now?, choose: [{when: "A"}, {when: "B"}]}]
    - {when: "No"}
"""


def _step(name: str, steps: str, *messages: str, more: str = "") -> object:
    for short, long in SHORT.items():
        steps = steps.replace(short, long)
    return pytest.param("procedures/add-thing.yaml", procedure_text(steps, more=more), messages, id=name)


def _drill(name: str, answers: str, *messages: str, mark: str = "") -> object:
    more = (DRILL % answers).replace("name: here", f"{mark}name: here").replace('which: "Yes"', 'which: "No"')
    return _step(name, CHOICE, *messages, more=more)


def _evidence(name: str, runs: str, message: str, family: str = "before: database, ") -> object:
    text = f"evidence: [{{look: X, {family}{runs}}}]\n"
    return pytest.param("evidence.yaml", text, (message,), id=name)


BROKEN = [
    # secrets
    _step("lines-of-no-secret", "- {id: a, title: 'A {{key}}', run: git log}\n", "only a secret", more=LINES),
    _step(
        "digest-of-no-secret",
        DIGEST,
        "isn't a parameter with 'secret: true'",
        more=SECRET.replace(", secret: true", ""),
    ),
    # placeholders
    _step(
        "no-way-back",
        "- {id: a, title: A, choose: [{when: 'Yes'}, {when: 'No', back_to: §later}]}\n" + LATER,
        "there is no earlier step 'later' to go back to",
    ),
    _step(
        "nothing-to-pick-from",
        "- {id: a, tick: A, asks: {name: n, ask: N?, example: x, pick: §later/0.n}}\n"
        "- {id: later, title: 'L {{n}}', run: git log}\n",
        "there is no earlier step 'later' to pick from",
    ),
    _step(
        "suggests-no-answer",
        "- id: look\n  title: L\n  survey:\n    - look: Errors\n      run: git log\n"
        "      suggests: [{matches: x, option: §Both}]\n"
        "- {id: a, title: A, choose: [{when: 'Yes'}, {when: 'No', back_to: look}]}\n",
        "no question has the answer 'Both'",
    ),
    _step("unknown", "- {id: a, title: A, run: 'git log §{{on}}'}\n", "nothing is called 'on'"),
    _step("misspelt", "- {id: a, title: 'A {{one}}', run: 'git log §{{ones}}'}\n", "did you mean 'one'?", more=ONE),
    _step("unknown-in-prose", "- {id: a, title: A, run: git log, why: 'See §{{x}}'}\n", "nothing is called 'x'"),
    _step(
        "unknown-in-verify",
        "- {id: a, title: A, run: git log, verify: {run: 'git log', expect: {output: '§{{x}}'}}}\n",
        "nothing is called 'x'",
    ),
    _step(
        "unknown-in-path",
        "- {id: a, title: A, run: git log, expect: {json: {'0.a=§{{x}}': y}}}\n",
        "nothing is called 'x'",
    ),
    _step(
        "too-early",
        """\
        - {id: a, title: A, run: 'git log §{{x}}'}
        - {id: b, title: B, run: git log, capture: {x: {pattern: '(.)'}}}
        """,
        "'x' is not captured yet: step 'b' captures it",
    ),
    _step(
        "own-capture",
        "- {id: a, title: A, run: 'git log §{{x}}', capture: {x: {pattern: '(.)'}}}\n",
        "is not captured yet",
    ),
    _step(
        "in-one-branch-only",
        """\
        - id: which
          title: Which?
          choose:
            - {when: One, steps: [{id: a, title: A, run: git log, capture: {x: {pattern: '(.)'}}}]}
            - {when: Other}
        - {id: b, title: B, run: 'git log §{{x}}'}
        """,
        "'x' is captured only on some ways through 'which'",
    ),
    _step(
        "out-of-each",
        """\
        - {id: go, title: Go, each: names, as: name, steps: [{id: a, title: A, run: 'git log {{name}}'}]}
        - {id: b, title: B, run: 'git log §{{name}}'}
        """,
        "nothing is called 'name'",
        more=MANY,
    ),
    _step(
        "target-in-prose",
        "- {id: a, title: A, run: git log, why: 'On §{{target}}'}\n",
        "can be used only as a word of a command",
    ),
    _step(
        "env-file-without-one", "- {id: a, title: A, run: 'git log §{{env_file}}'}\n", "{{env_file}} needs 'env_file'"
    ),
    _step(
        "unused",
        "- {id: a, title: A, run: git log}\n",
        "'one' is asked for but never used",
        more="parameters: {§one: {ask: One?, example: x}}\n",
    ),
    _step(
        "shadow",
        "- {id: a, title: A, run: git log, capture: {one: {pattern: '(.)'}}}\n"
        "- {id: b, title: 'B {{one}}', run: git log}\n",
        "step 'a' captures a value of that name",
        more="parameters: {§one: {ask: One?, example: x}}\n",
    ),
    _step(
        "name-of-a-setting",
        "- {id: a, title: 'A {{tools}}', run: git log}\n",
        "RUNBOOK_TOOLS is a setting of runbook (the node_modules with the tools of drills): use another name",
        more="parameters: {§tools: {ask: Tools?, example: x}}\n",
    ),
    # lists
    _step(
        "each-over-one",
        "- {id: a, title: A, each: §one, as: it, steps: [{id: b, title: B, run: 'git log {{it}}'}]}\n",
        "'one' is one value, not a list",
        more=ONE,
    ),
    _step(
        "each-over-nothing",
        "- {id: a, title: A, each: §them, as: it, steps: [{id: b, title: B, run: 'git log {{it}}'}]}\n",
        "nothing is called 'them'",
    ),
    _step(
        "each-shadows",
        "- {id: a, title: A, each: names, as: §names, steps: [{id: b, title: B, run: git log}]}\n",
        "'names' is already in use: choose another name",
        more=MANY,
    ),
    _step(
        "list-in-command",
        "- {id: a, title: A, run: 'git log §{{names}}'}\n",
        "'names' is a list; go through it",
        more=MANY,
    ),
    # secrets
    _step(
        "secret-in-command",
        "- {id: a, title: A, run: 'git log {{§key}}'}\n",
        "the secret 'key' would be visible here",
        more=SECRET,
    ),
    _step(
        "secret-in-sql",
        "- {id: a, title: A, sql: \"select a from t where b = '{{§key}}'\"}\n",
        "the secret 'key' would be visible here",
        more=SECRET,
    ),
    _step(
        "secret-in-title",
        "- {id: a, title: 'A {{§key}}', run: git log}\n",
        "the secret 'key' would be visible here",
        more=SECRET,
    ),
    _step(
        "secret-in-template",
        "- {id: a, title: A, edit: {file: x, template: '{{§key}}'}}\n",
        "the secret 'key' would be visible",
        more=SECRET,
    ),
    _step(
        "no-secret-in-env-file",
        "- {id: a, title: A, run: SET, env_file: {A: §one}, NONE}\n",
        "'one' isn't a parameter with 'secret: true'",
        more=ONE,
    ),
    # parameters
    _step(
        "example",
        "- {id: a, title: 'A {{n}}', run: git log}\n",
        "the example 'x' is not a value it takes",
        more="parameters: {n: {ask: N?, pattern: '[0-9]+', example: §x}}\n",
    ),
    _step(
        "default",
        "- {id: a, title: 'A {{n}}', run: git log}\n",
        "the default 'y' is not a value it takes",
        more="parameters: {n: {ask: N?, choices: [x], default: §y}}\n",
    ),
    _step(
        "list-example",
        "- {id: go, title: Go, each: n, as: m, steps: [{id: a, title: 'A {{m}}', run: git log}]}\n",
        "the example '1,x' is not a value it takes",
        more="parameters: {n: {ask: N?, pattern: '[0-9]+', example: §'1,x', many: true}}\n".replace("§'1,x'", "'§1,x'"),
    ),
    _step(
        "tick-example",
        "- {id: a, tick: Look, asks: {name: n, ask: N?, pattern: '[0-9]+', example: §x}}\n",
        "the example 'x' is not a value it takes",
    ),
    _step(
        "secret-default",
        "- {id: a, title: A, run: SET, env_file: {A: key}, NONE}\n",
        "a secret can't have a default",
        more="parameters: {key: {ask: Key?, example: x, secret: true, §default: y}}\n",
    ),
    # targets
    _step(
        "no-target",
        "- {id: a, title: A, run: §npx supabase migration list}\n",
        "reaches a database without saying which",
    ),
    _step(
        "word-after-target",
        "- {id: a, title: A, run: 'npx supabase migration list §{{target}} x'}\n",
        "x can be read as part of the target",
    ),
    _step(
        "no-target-of-project",
        "- {id: a, title: A, run: §npx supabase functions deploy x, NONE}\n",
        "reaches a project without",
    ),
    _step(
        "no-target-in-verify",
        "- {id: a, title: A, run: git log, verify: {run: §npx supabase migration list}}\n",
        "reaches a database without saying which",
    ),
    _step(
        "no-target-in-undo",
        "- {id: a, title: A, run: git log, undo: {run: §npx supabase db push}}\n",
        "reaches a database without",
    ),
    _step(
        "no-target-on-cli",
        "- {id: a, title: A, run: git log, on_cli: {2: {run: §npx supabase migration list}}}\n",
        "reaches a database without",
    ),
    _step(
        "linked",
        "- {id: a, title: A, run: npx supabase migration list §--linked}\n",
        "write {{target}} instead of --linked",
    ),
    _step(
        "project-ref",
        "- {id: a, title: A, run: npx supabase migration list §--project-ref=abc}\n",
        "instead of --project-ref=abc",
    ),
    _step(
        "target-and-local",
        "- {id: a, title: A, run: 'npx supabase migration list {{target}} §--local'}\n",
        "instead of --local",
    ),
    _step(
        "two-targets",
        "- {id: a, title: A, run: §'npx supabase migration list {{target}} {{target}}'}\n",
        "is in this command twice",
    ),
    _step("target-for-nothing", "- {id: a, title: A, run: §'git log {{target}}'}\n", "takes no target"),
    # what policy says
    _step(
        "yes",
        "- {id: a, title: A, run: 'npx supabase db push {{target}} §--yes', NONE}\n",
        "answers for the operator",
    ),
    _step(
        "short-yes",
        "- {id: a, title: A, run: 'npx §-y supabase migration list {{target}}'}\n",
        "answers for the operator",
    ),
    _step(
        "yes-variable",
        "- {id: a, title: A, run: SET, env_file: {§SUPABASE_YES: key}, NONE}\n",
        "answers for the operator",
        more=SECRET,
    ),
    _step(
        "refused",
        "- {id: a, title: A, run: §'npx supabase db reset {{target}}', NONE}\n",
        "policy refuses this: It drops every schema of the app",
    ),
    _step(
        "refused-sql",
        "- {id: a, title: A, sql: §drop table public.tasks, writes: true, NONE}\n",
        "policy refuses this",
    ),
    _step(
        "refused-undo",
        "- {id: a, title: A, run: git log, undo: {run: §'npx supabase db reset {{target}}'}}\n",
        "policy refuses this",
    ),
    _step(
        "unknown-program",
        "- {id: a, title: A, run: §gh x}\n",
        "policy has no rule for `gh`; add one to policy.yaml",
    ),
    _step(
        "unknown-subcommand",
        "- {id: a, title: A, run: §'npx supabase db melt {{target}} --x'}\n",
        "policy has no rule for `supabase db melt`",
    ),
    _step("event-nowhere", LOOK, "no step is called 'loock'; did you mean 'look'?", more=EVENT % "§loock, run_sql: x"),
    _step("event-unknown", LOOK, "did you mean 'kill_cli'?", more=EVENT % "look, run_sql: x, §kill_clie: after"),
    _step(
        "event-twice",
        LOOK,
        "an event has 'run_sql' and 'kill_cli'; only one is allowed",
        more=EVENT % "look, run_sql: x, §kill_cli: after",
    ),
    _step(
        "event-of-another-kind",
        LOOK,
        "'text' can only be used with 'write_file', not with 'run_sql'",
        more=EVENT % "look, run_sql: x, §text: y",
    ),
    _step("checked-unknown", LOOK, "no step is called 'loom'", more=CHECKED % "loom"),
    _step("walked-unknown", LOOK, "does not reach 'loom' there", more=WALKED % "§loom"),
    _step("walked-backwards", LOOK + LATER, "does not reach 'look' there", more=WALKED % "later, §look"),
    _step("checked-nothing", LOOK, "step 'look' compares nothing", more=CHECKED % "look"),
    _step(
        "not-on-this-major",
        "- {id: a, title: A, run: §'npx supabase logs {{target}}'}\n",
        "CLI 2 has no such command; use 'on_cli' to say what to do there",
    ),
    _step(
        "check-that-writes",
        "- {id: a, title: A, run: git log, verify: {run: §'npx supabase db push {{target}}'}}\n",
        "a check must only read, but this writes",
    ),
    _step(
        "sql-check-that-writes",
        "- {id: a, title: A, run: git log, verify: {sql: §insert into t values (1)}}\n",
        "a check must only read, but this writes",
    ),
    _step(
        "edit-check-that-writes",
        "- {id: a, title: A, edit: {file: x, template: y, check: §npx supabase migration new z}}\n",
        "a check must only read",
    ),
    _step(
        "statement-that-writes",
        "- {id: a, title: A, sql: §insert into t values (1), NONE}\n",
        "say so with 'writes: true'",
    ),
    _step(
        "two-statements",
        "- {id: a, title: A, sql: §select now() from t; select 2}\n",
        "a step runs one statement, but this has 2",
    ),
    _step(
        "no-way-back",
        "- {id: §push, title: A, run: 'npx supabase db push {{target}}'}\n",
        "step 'push' writes and can't be checked or undone",
    ),
    _step(
        "no-way-back-from-sql",
        "- {id: §fix, title: A, sql: update t set a = 1 where b, writes: true}\n",
        "writes and can't be checked",
    ),
    _step(
        "no-way-back-on-one-cli",
        "- {id: §look, title: A, run: git log, on_cli: {2: {run: 'npx supabase db push {{target}}'}}}\n",
        "writes and can't be checked",
    ),
    _step(
        "less-care",
        "- {id: a, title: A, §effect: reads, run: 'npx supabase db push {{target}}', NONE}\n",
        "policy says that this writes",
    ),
    _step(
        "before-writes",
        "- {id: a, title: A, run: git log}\n",
        "before step 1, a command must only read, but this writes",
        more="before: [§{id: b, title: B, run: 'npx supabase db push {{target}}'}]\n",
    ),
    _step(
        "before-waits",
        "- {id: a, title: A, run: git log}\n",
        "only ticks and commands that read",
        more="before: [§{id: b, title: B, wait: 5s, for: x}]\n",
    ),
    _step(
        "unknown-major",
        "- {id: a, title: A, run: git log, §on_cli: {9: {tick: x}}}\n",
        "supabase.yaml does not know CLI 9",
    ),
    _step(
        "placeholder-in-comment",
        "- {id: a, title: A, sql: §'select now() -- {{one}}'}\n",
        "can't be used there in SQL",
        more=ONE,
    ),
    # drills
    _drill("no-such-answer", "{one: x, which: 'No', §wich: 'No'}", "did you mean 'which'?"),
    _drill("no-such-option", "{one: x, §which: Perhaps}", "'which' has no option 'Perhaps'; it has: Yes; No"),
    _drill("answer-not-taken", "{§one: '1', which: 'No'}", "'1' is not a value that 'one' takes"),
    _drill("answer-to-nothing", "{one: x, which: 'No', §look: x}", "step 'look' asks nothing"),
    _drill("no-answer", "{which: 'No'}", "has no answer for the parameter 'one'", mark="§"),
    _drill("no-choice", "{one: x}", "reaches 'which' and has no answer for it", mark="§"),
    _drill("no-inner-choice", "{one: x, which: 'Yes'}", "reaches 'which/inner' and has no answer for it", mark="§"),
    _step(
        "no-answer-at-tick",
        "- {id: a, tick: Look, asks: {name: n, ask: N?, example: x}}\n",
        "reaches 'a' and has no answer for it",
        more=ONE_DRILL % ("§", "{}"),
    ),
    _step(
        "answer-not-taken-at-tick",
        "- {id: a, tick: Look, asks: {name: n, ask: N?, pattern: '[0-9]', example: '3'}}\n",
        "'x' is not a value that 'a' takes",
        more=ONE_DRILL % ("", "{§a: ['1', x]}"),
    ),
    _step(
        "no-answer-in-each",
        "- {id: all, title: All, each: names, as: it, steps: [ASKS]}\n",
        "reaches 'all/a' and has no answer for it",
        more=MANY + ONE_DRILL % ("§", "{names: [a, b]}"),
    ),
    # evidence
    _evidence("evidence-writes", "run: §'npx supabase db push {{target}}'", "a check must only read, but this writes"),
    _evidence("evidence-anywhere", "run: §npx supabase functions list", "reaches a project without saying which"),
    _evidence("evidence-value", "sql: \"select '§{{one}}' from a\"", "a look at the target has none, only {{target}}"),
    _evidence("evidence-family", "before: §nothing, sql: select 1 from a", "isn't one of database, project", family=""),
    # dates
    pytest.param(
        "procedures/add-thing.yaml",
        PROCEDURE.replace("2026-01-02", "§2999-01-02"),
        ("the review of 2999-01-02 is in the future",),
        id="review",
    ),
]


@pytest.mark.parametrize(("file", "text", "messages"), BROKEN)
def test_each_problem_is_named_with_its_place(
    file: str, text: str, messages: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An unsafe book ends the check with 2 and one finding for each mark, at the mark, without a traceback."""
    clean, places = marked(text)
    book = write_book(tmp_path / "book")
    (book / file).write_text(clean, encoding="utf-8")
    code = main(["--book", str(book), "check"])
    out, err = capsys.readouterr()
    heads = [line for line in out.splitlines() if line.startswith(str(book))]
    expected = [f"{book / file}:{line}:{column}" for line, column in places]
    assert code == 2, out + err
    assert [head.split(": ", 1)[0] for head in heads] == expected, out
    for head, message in zip(heads, messages, strict=True):
        assert message in head
    assert "Traceback" not in out + err


def test_a_second_emergency_is_a_problem(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever is in a hurry is offered one procedure, so only one can be first. The finding stands at the other."""
    book = write_book(tmp_path / "book")
    for name in ("add-thing", "fix-it"):
        (book / "procedures" / f"{name}.yaml").write_text(f"emergency: true\n{PROCEDURE}", encoding="utf-8")
    assert main(["--book", str(book), "check"]) == 2
    found = capsys.readouterr().out
    assert "fix-it.yaml:1:1: only one procedure can be the emergency, and add-thing already is" in found
