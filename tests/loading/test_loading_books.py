"""What becomes of a sound book: values as the model has them, includes in place, content hashes."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.books import ADVICE, PATTERNS, PROCEDURE, procedure_text, write_book

from runbook.checks import open_book
from runbook.cli import main
from runbook.errors import BookError
from runbook.loading import PACKAGED_BOOK, read_book, yaml_nodes
from runbook.loading.source_text import Problems, SourceText
from runbook.model import (
    Book,
    Capture,
    Expectation,
    Family,
    FunctionResponse,
    Mode,
    Proof,
    ScenarioEvent,
    Section,
    TargetKind,
    Undo,
)
from runbook.steps.choose import Choose
from runbook.steps.command import Command
from runbook.steps.each import Each
from runbook.steps.edit import Edit, Git
from runbook.steps.include import Include
from runbook.steps.sql import Sql
from runbook.steps.tick import Tick
from runbook.steps.wait import Wait

LOOK = "- {id: look, title: Look, run: git log}\n"


def _book(tmp_path: Path, **procedures: str) -> Book:
    return read_book(write_book(tmp_path / "book", {name.replace("_", "-"): text for name, text in procedures.items()}))


def test_head(tmp_path: Path) -> None:
    """Dates, durations and choices are values of their own; what is left out has its default."""
    procedure = _book(tmp_path, add_thing=PROCEDURE).procedures["add-thing"]
    assert (procedure.id, procedure.title, procedure.section) == ("add-thing", "Add a thing", Section.BEFORE)
    assert (procedure.reviewed, procedure.review_days, procedure.minutes) == (date(2026, 1, 2), 90, 5)
    assert (procedure.mode, procedure.needs, procedure.drills) == (Mode.READ_DO, (), ())
    assert procedure.source == PROCEDURE


def test_actions(tmp_path: Path) -> None:
    """Each kind of step becomes its own kind of action, with words split and durations in seconds."""
    text = procedure_text(
        """\
        - {id: a, title: A, run: "git log 'a b' {{x}}", timeout: 2m}
        - {id: b, title: B, sql: "select 1 ", lock_timeout: 2s}
        - {id: c, tick: Look, asks: {name: n, ask: N?, choices: [x, y]}}
        - {id: d, title: D, edit: {file: f, git: {revision: r, path: p}, check: git log}}
        - {id: e, title: E, wait: 1h, for: The cache}
        - {id: f, title: F, choose: [{when: Yes please, steps: [{id: g, title: G, run: git log}]}, {when: No thanks}]}
        - {id: h, title: H, each: x, as: y, steps: [{id: i, title: I, run: git log}]}
        """
    )
    steps = {step.id: step for step in _book(tmp_path, add_thing=text).procedures["add-thing"].steps}
    actions = {name: step.action for name, step in steps.items()}
    assert isinstance(actions["a"], Command)
    assert (actions["a"].words, actions["a"].at.line, actions["a"].at.column) == (
        ("git", "log", "a b", "{{x}}"),
        10,
        28,
    )
    assert steps["a"].timeout == 120
    assert isinstance(actions["b"], Sql)
    assert (actions["b"].statement, actions["b"].lock_timeout, actions["b"].statement_timeout) == ("select 1", 2, 30)
    assert isinstance(actions["c"], Tick)
    assert actions["c"].asks is not None
    assert (actions["c"].asks.name, actions["c"].asks.example, steps["c"].title) == ("n", "x", "Look")
    assert isinstance(actions["d"], Edit)
    assert (actions["d"].git, actions["d"].template) == (Git("r", "p"), None)
    assert actions["e"] == Wait(3600, "The cache")
    assert isinstance(actions["f"], Choose)
    assert [(option.when, len(option.steps)) for option in actions["f"].options] == [
        ("Yes please", 1),
        ("No thanks", 0),
    ]
    assert isinstance(actions["h"], Each)
    assert (actions["h"].over, actions["h"].name, actions["h"].steps[0].id) == ("x", "y", "i")


def test_what_surrounds_an_action(tmp_path: Path) -> None:
    """Expectations, captures, checks, ways back and other CLIs are where the walk looks for them."""
    text = procedure_text(
        """\
        - id: a
          title: A
          run: git log
          expect: {exit: 1, output: o, matches: m, absent: n, in_words: w, json: {a.0: "1"}, differs: {b: "2"}}
          capture: {x: {json: a.b}, y: {pattern: "(.)"}}
          verify: {sql: select 1, expect: {output: v}}
          undo: {tick: Take it back, verify: {run: git log}}
          on_cli: {2: {tick: Look}}
          if_it_fails: Call Ada
        - {id: b, title: B, run: git log, undo: {none: Never}, if_it_fails: {text: Go on, see: add-thing}}
        """
    )
    first, second = _book(tmp_path, add_thing=text).procedures["add-thing"].steps
    assert first.expect == Expectation(
        exit=1, output="o", matches="m", absent="n", in_words="w", json=(("a.0", "1"),), differs=(("b", "2"),)
    )
    assert first.capture == (Capture("x", json="a.b"), Capture("y", pattern="(.)"))
    assert first.verify is not None
    assert isinstance(first.verify.action, Sql)
    assert first.verify.expect.output == "v"
    assert first.undo is not None
    assert first.undo.action == Tick("Take it back")
    assert first.undo.check is not None
    assert (first.action_on(2), first.action_on(3)) == (Tick("Look"), first.action)
    assert first.if_it_fails is not None
    assert (first.if_it_fails.text, first.if_it_fails.see) == ("Call Ada", None)
    assert second.undo == Undo(reason="Never")
    assert second.if_it_fails is not None
    assert second.if_it_fails.see == "add-thing"


def test_drills(tmp_path: Path) -> None:
    """An event is what its own key says; a proof has its form and nothing of the others."""
    text = procedure_text(LOOK) + (
        "drills:\n"
        "  - name: one\n"
        "    briefing: It broke.\n"
        "    scenario:\n"
        "      responses: {hello: [{version: 2, body: {ok: true}}, {source: old, status: 500, delay: 1s}]}\n"
        "      events:\n"
        "        - {at: look, fail_requests: ^GET, status: 500, delay: 2s}\n"
        "        - {at: look, turn: 2, write_file: a.txt, text: b}\n"
        "    prove:\n"
        "      - {text: Counted, sql: select 1, equals: '1'}\n"
        "      - {text: Recorded, history: []}\n"
        "      - {text: Live, function: hello, equals: '2', source: new}\n"
        "      - {text: Looked, walked: [look]}\n"
    )
    (drill,) = _book(tmp_path, add_thing=text).procedures["add-thing"].drills
    assert drill.scenario.responses == {
        "hello": (FunctionResponse(version=2, body={"ok": True}), FunctionResponse(source="old", status=500, delay=1))
    }
    assert drill.scenario.events == (
        ScenarioEvent("look", "fail_requests", "^GET", status=500, delay=2),
        ScenarioEvent("look", "write_file", "a.txt", turn=2, text="b"),
    )
    assert drill.prove == (
        Proof(text="Counted", sql="select 1", equals="1"),
        Proof(text="Recorded", history=()),
        Proof(text="Live", function="hello", equals="2", source="new"),
        Proof(text="Looked", walked=("look",)),
    )
    assert (drill.ends, drill.practice, drill.answers, drill.loses) == ("done", True, {}, ())


def test_includes_are_filled_in(tmp_path: Path) -> None:
    """An include has the steps of its procedure, those of that one's own includes too, and defaults for values."""
    inner = procedure_text(
        LOOK, more='parameters: {p: {ask: P?, example: x}, q: {ask: Q?, example: x, default: "d"}}\n'
    )
    middle = procedure_text("- {id: in, title: In, include: inner, with: {p: '{{v}}'}}\n")
    outer = procedure_text(
        "- id: which\n  title: Which?\n  choose:\n"
        "    - {when: One, steps: [{id: mid, title: Mid, include: middle}]}\n    - {when: Other}\n"
    )
    book = _book(tmp_path, inner=inner, middle=middle, outer=outer)
    choose = book.procedures["outer"].steps[0].action
    assert isinstance(choose, Choose)
    mid = choose.options[0].steps[0].action
    assert isinstance(mid, Include)
    innermost = mid.steps[0].action
    assert isinstance(innermost, Include)
    assert (innermost.steps[0].id, dict(innermost.values)) == ("look", {"p": "{{v}}", "q": "d"})


def test_digest_changes_with_what_is_included(tmp_path: Path) -> None:
    """A change of an included procedure, however deep, changes the digest; a change elsewhere does not."""
    middle, outer = (
        procedure_text("- {id: i, title: I, include: inner}\n"),
        procedure_text("- {id: m, title: M, include: middle}\n"),
    )

    def digests(name: str, inner: str, other: str) -> dict[str, str]:
        book = _book(tmp_path / name, inner=inner, middle=middle, outer=outer, other=other)
        return {name: procedure.digest for name, procedure in book.procedures.items()}

    before = digests("a", procedure_text(LOOK), procedure_text(LOOK))
    changed = digests("b", procedure_text(LOOK) + "# a word\n", procedure_text(LOOK) + "# a word\n")
    elsewhere = digests("c", procedure_text(LOOK), procedure_text(LOOK) + "# a word\n")
    assert {name for name in before if before[name] != changed[name]} == {"inner", "middle", "outer", "other"}
    assert {name for name in before if before[name] != elsewhere[name]} == {"other"}
    assert all(len(digest) == 64 for digest in before.values())


@pytest.mark.parametrize(
    ("procedures", "said"),
    [
        pytest.param({"a": "b", "b": "c", "c": "a"}, "includes form a cycle: a > b > c > a", id="circle"),
        pytest.param(
            {f"p{n}": f"p{n + 1}" for n in range(12)} | {"p12": ""}, "includes are nested more than 8 deep", id="deep"
        ),
        pytest.param(
            {f"p{n}": f"p{n + 1} " * 9 for n in range(5)} | {"p5": ""}, "has more than 2000 steps", id="include bomb"
        ),
    ],
)
def test_includes_that_can_not_be_followed(procedures: dict[str, str], said: str, tmp_path: Path) -> None:
    """Circles, depths and numbers that nobody could walk are refused at the include."""
    texts = {
        name: procedure_text(
            "".join(f"- {{id: i{n}, title: I, include: {each}}}\n" for n, each in enumerate(included.split())) or LOOK
        )
        for name, included in procedures.items()
    }
    with pytest.raises(BookError) as caught:
        read_book(write_book(tmp_path / "book", texts))
    assert any(said in finding.message and finding.line >= 10 for finding in caught.value.findings)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        pytest.param("{}", "'inner' needs its parameter 'p' under 'with'", id="missing"),
        pytest.param("{p: x, q: y}", "'inner' has no parameter 'q'", id="unknown"),
    ],
)
def test_values_of_an_include(values: str, said: str, tmp_path: Path) -> None:
    """An include gives the parameters that its procedure has, and all of those without a default."""
    inner = procedure_text(LOOK, more="parameters: {p: {ask: P?, example: x}}\n")
    outer = procedure_text(f"- {{id: in, title: In, include: inner, with: {values}}}\n")
    with pytest.raises(BookError, match=said):
        _book(tmp_path, inner=inner, outer=outer)


def test_a_book_without_a_policy_goes_by_the_packaged_one(tmp_path: Path) -> None:
    """Another team needs to write procedures only; what is dangerous is dangerous there too."""
    book = write_book(tmp_path / "book")
    (book / "policy.yaml").unlink()
    (book / "supabase.yaml").unlink()
    assert read_book(book).policy == read_book(PACKAGED_BOOK).policy


def test_the_packaged_book_reads_the_same_without_libyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where PyYAML came without its C library the book is slower to read, and no other."""
    with_library = read_book(PACKAGED_BOOK)
    monkeypatch.setattr(yaml_nodes, "_Loader", yaml.SafeLoader)
    assert read_book(PACKAGED_BOOK) == with_library


def test_policy_and_majors(tmp_path: Path) -> None:
    """Rules, variants and the words for a target become values."""
    policy = _book(tmp_path, add_thing=PROCEDURE).policy
    push = next(rule for rule in policy.rules if rule.id == "db-push")
    assert (push.command, push.reaches, push.bare) == (
        ("db", "push"),
        Family.DATABASE,
        {2: TargetKind.PRODUCTION, 3: TargetKind.LOCAL},
    )
    assert push.variants[0].flags == ("--dry-run",)
    assert policy.majors[2].target[Family.PROJECT][TargetKind.PRODUCTION] == ("--project-ref", "{{project_ref}}")


def test_patterns_and_advice(tmp_path: Path) -> None:
    """Both files are optional, and read where they are."""
    assert _book(tmp_path / "without", add_thing=PROCEDURE).patterns == ()
    book = read_book(write_book(tmp_path / "with", patterns=PATTERNS, advice=ADVICE))
    assert (book.patterns[0].id, book.patterns[0].see) == ("add-column", "add-thing")
    assert book.advice[0].do == (("Look at the history", "It tells what is applied"),)
    assert book.advice[0].dont == (("Hurry", ""),)


def test_names_of_files_lead_there_from_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Below the current directory the name is relative, so that an editor opens it."""
    write_book(tmp_path / "book", {"add-thing": PROCEDURE.replace("minutes: 5", "minutes: x")})
    monkeypatch.chdir(tmp_path)
    assert main(["--book", str(tmp_path / "book"), "check"]) == 2
    assert capsys.readouterr().out.splitlines() == [
        "book/procedures/add-thing.yaml:8:10: 'x' is not a whole number",
        "    8 | minutes: x",
        "                 ^",
    ]
    assert main(["--book", ".", "check"]) == 2
    assert capsys.readouterr().out.startswith("./procedures:1:1: there is no procedure here")


def test_caret_of_a_long_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a line that is longer than any screen a part around the place is shown."""
    text = PROCEDURE.replace("use_when: [A thing is missing]", f"use_when: [{'a, ' * 500}1.10]")
    assert main(["--book", str(write_book(tmp_path / "book", {"add-thing": text})), "check"]) == 2
    head, source, caret = capsys.readouterr().out.splitlines()
    assert "add-thing.yaml:4:1512: 1.10 reads" in head
    assert len(source) <= 208
    assert source[caret.index("^") : caret.rindex("^") + 1] == "1.10"


def test_only_so_many_problems_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file with more problems than anybody reads says so after a hundred."""
    text = PROCEDURE + "".join(f"extra{number}: x\n" for number in range(1000))
    assert main(["--book", str(write_book(tmp_path / "book", {"add-thing": text})), "check"]) == 2
    out, err = capsys.readouterr()
    assert err == "101 problems in 1 file\n"
    assert "there are more than 100 problems in this file" in out


@pytest.mark.parametrize(
    "text",
    [
        *("true", "Yes", "off", "~", "null", "NULL", "12", "-1", "+0", "0x1f", "0o7", "017", "1_000", "1:30", "1.5"),
        *(".5", "-.inf", ".NaN", "1e3", "2026-01-02", "2026-01-02 10:00:00", "=", "<<", "a", "A 1", "true no", "n"),
        *("y", "é", "(a)", "/x", "$1", "^a", "<a>", "~/x", "=a", "1a", "Nobody", "Öl"),
    ],
)
def test_a_plain_value_is_taken_for_what_pyyaml_takes_it(text: str) -> None:
    """The look at its first character saves time, and changes nothing."""
    source = SourceText("file.yaml", f"key: {text}\n")
    root = yaml_nodes.parse(source, Problems(source, []))
    assert isinstance(root, yaml_nodes.Mapping)
    value = root.get("key")
    assert isinstance(value, yaml_nodes.Scalar)
    pyyaml: Any = yaml.SafeLoader("")
    tag = pyyaml.resolve(yaml.ScalarNode, text, (True, False))

    assert value.kind == tag.removeprefix("tag:yaml.org,2002:")


def test_a_missing_include_before_step_1_is_named(tmp_path: Path) -> None:
    """`check` reports it like any other mistake, and doesn't crash."""
    text = procedure_text(LOOK, more="before: [{id: other, title: Other, include: nowhere}]\n")
    with pytest.raises(BookError, match="nowhere"):
        open_book(str(write_book(tmp_path, {"outer": text})))
