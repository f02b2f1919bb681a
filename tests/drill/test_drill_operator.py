"""The unattended operator answers what the drill says, and stops where it says nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.screens import failed, screen
from support.walks import AT, check, choose, parameter, step, tick

from runbook.drill.auto_operator import AutoOperator, StuckError, answer_cli
from runbook.engine.ports import Back, Confirmation, Go, Reply, Resolve, Skip, Stop, SwitchTo, TakeBack, Undecided
from runbook.journal.events import Outcome
from runbook.model import Effect
from runbook.steps.choose import Choose, Option
from runbook.steps.edit import Edit
from runbook.steps.sql import Sql
from runbook.steps.tick import Tick
from runbook.steps.wait import Wait

WITNESS = step("see", Tick("Look", asks=parameter("rate", pattern="[0-9]+")))
WHICH = choose("which", left=[tick("l")], right=[tick("r")])


@pytest.mark.parametrize(
    ("effect", "typed"),
    [(Effect.READS, ""), (Effect.WRITES, "yes"), (Effect.DESTROYS, "qwertyuiopasdfghjklz")],
)
def test_it_confirms_as_a_person_must(effect: Effect, typed: str) -> None:
    """Enter for what reads, yes for what writes, the name for what destroys."""
    assert AutoOperator({}).decide(screen(effect=effect)) == Go(typed=typed)


def test_it_takes_the_option_of_the_drill() -> None:
    """A question is answered with the option that the drill names; another one is an error."""
    assert AutoOperator({"which": "left"}).decide(screen(WHICH, effect=Effect.READS)) == Go(value="left")
    with pytest.raises(StuckError, match="answers 'up'"):
        AutoOperator({"which": "up"}).decide(screen(WHICH))


def test_it_takes_the_usual_option_where_the_drill_names_none() -> None:
    """The drill's own word goes first; without a usual option, it is stuck."""
    options = (Option("left", (), at=AT), Option("right", (), usual=True, at=AT))
    which = screen(step("which", Choose(options)), effect=Effect.READS)

    assert AutoOperator({}).decide(which) == Go(value="right")
    assert AutoOperator({"which": "left"}).decide(which) == Go(value="left")
    with pytest.raises(StuckError, match="no answer"):
        AutoOperator({}).decide(screen(WHICH, effect=Effect.READS))


def test_it_tells_what_is_seen_by_step_name_or_value() -> None:
    """A value that a tick asks for is found under the step's path, its id or the value's own name."""
    at = {"path": "deploy[a]/see"}
    assert AutoOperator({"see": "3"}).decide(screen(WITNESS, effect=Effect.READS, **at)) == Go(value="3")
    assert AutoOperator({"rate": "3"}).decide(screen(WITNESS, effect=Effect.READS, **at)) == Go(value="3")
    assert AutoOperator({"see": "3", "deploy[a]/see": "4"}).decide(screen(WITNESS, effect=Effect.READS, **at)) == Go(
        value="4"
    )
    assert AutoOperator({"see": "3", "deploy/see": "5"}).decide(screen(WITNESS, effect=Effect.READS, **at)) == Go(
        value="5"
    )


def test_a_list_is_used_one_after_the_other() -> None:
    """The last answer of a list stays."""
    operator = AutoOperator({"see": ("1", "2")})
    shown = screen(WITNESS, effect=Effect.READS)

    assert [operator.decide(shown) for _ in range(3)] == [Go(value="1"), Go(value="2"), Go(value="2")]


def test_without_an_answer_it_is_stuck() -> None:
    """A value, an option or a parameter that the drill does not give ends the drill with a sentence."""
    for shown in (screen(WITNESS), screen(WHICH)):
        with pytest.raises(StuckError, match="no answer"):
            AutoOperator({}).decide(shown)
    with pytest.raises(StuckError, match="no answer for 'name'"):
        AutoOperator({}).give(parameter("name"))
    with pytest.raises(StuckError, match="too short"):
        AutoOperator({"name": "x"}).give(parameter("name"), problem="too short")


def test_a_parameter_comes_from_its_answer_or_its_default() -> None:
    """A list becomes values with commas, as a person would type it."""
    assert AutoOperator({"names": ("a", "b")}).give(parameter("names")) == "a,b"
    assert AutoOperator({}).give(parameter("names", default="c")) == "c"


def test_an_edited_file_is_written_from_the_answer(tmp_path: Path) -> None:
    """The answer's text becomes the draft; without one the template stays."""
    draft = tmp_path / "draft.sql"
    draft.write_text("template", encoding="utf-8")
    shown = screen(step("write", Edit(file="new.sql", template="template")), effect=Effect.READS, draft=str(draft))

    assert AutoOperator({}).decide(shown) == Go(value=str(draft))
    assert draft.read_text(encoding="utf-8") == "template"
    AutoOperator({"write": "select 1;"}).decide(shown)
    assert draft.read_text(encoding="utf-8") == "select 1;"


def test_it_does_not_wait() -> None:
    """A pause is over at once: nothing settles in a sandbox."""
    operator = AutoOperator({})
    assert operator.decide(screen(step("settle", Wait(30, "calls")), effect=Effect.READS)) == Go()
    assert operator.pause(30) == 0


@pytest.mark.parametrize(
    ("words", "reply"),
    [
        ("retry", Go(typed="yes")),
        ("go", Go(typed="yes")),
        ("skip: no Docker here", Skip("no Docker here")),
        ("undo", TakeBack("yes")),
        ("back", Back()),
        ("stop: enough", Stop("enough")),
        ("switch: data-recovery", SwitchTo("data-recovery")),
        ("redo", Resolve(Undecided.REDO)),
        ("done: seen in the dashboard", Resolve(Undecided.DONE, note="seen in the dashboard")),
    ],
)
def test_it_reacts_to_a_failure_as_the_drill_says(words: str, reply: Reply) -> None:
    """Each reaction is the reply that a person would give."""
    assert AutoOperator({}, {"apply": words}).recover(screen(), failed()) == reply


def test_a_reaction_at_a_tick_comes_before_the_tick() -> None:
    """What only a person can see may make them leave; `go` means that they don't yet."""
    operator = AutoOperator({"see": "3"}, {"see": ("go", "stop: too high")})
    shown = screen(WITNESS, effect=Effect.READS)

    assert [operator.decide(shown), operator.decide(shown)] == [Go(value="3"), Stop("too high")]


def test_without_a_reaction_a_failure_stops_the_walk() -> None:
    """The reason has the step, the evidence and the last words of the output."""
    reply = AutoOperator({}).recover(screen(), failed("ERROR: lock timeout"))

    assert isinstance(reply, Stop)
    assert "'apply' failed" in reply.reason
    assert "expected exit 0" in reply.reason
    assert "lock timeout" in reply.reason


def test_a_reaction_that_is_none_is_an_error() -> None:
    """A word that nobody knows ends the drill."""
    with pytest.raises(StuckError, match="reacts with 'hope'"):
        AutoOperator({}, {"apply": "hope"}).recover(screen(), failed())


def test_an_unknown_end_is_looked_at_before_it_is_decided() -> None:
    """First the step's own check, then what it showed; without a check it stops."""
    checked = screen(step("apply", "change it", verify=check("look at")))
    operator = AutoOperator({})

    assert operator.resolve(checked, (), probe=None) == Resolve(Undecided.PROBE)
    seen = operator.resolve(checked, (), probe=failed(outcome=Outcome.PASSED))
    assert isinstance(seen, Resolve)
    assert seen.what is Undecided.DONE
    lost = operator.resolve(checked, (), probe=failed())
    assert isinstance(lost, Resolve)
    assert lost.what is Undecided.REDO
    assert isinstance(operator.resolve(screen(), (), probe=None), Stop)


def test_it_accepts_no_change_and_takes_nothing_over_unasked() -> None:
    """Whatever changed under a drill is a fault."""
    assert not AutoOperator({}).accept("procedure", "- a\n+ b")


@pytest.mark.parametrize(
    ("printed", "keys"),
    [
        pytest.param("◆  Apply 2 migrations on custom Postgres?\n│  ○ Yes / ● No\n└", b"y", id="cli3"),
        pytest.param("◆  Do you want to push these migrations?\n│  ● Yes / ○ No\n└", b"y", id="cli2"),
        pytest.param("Do you want to continue? [y/N] ", b"y\r", id="a-line"),
        pytest.param("Applying migration 20260101000000_x.sql...\n", None, id="no-question"),
        pytest.param("Yes / No was asked\n and answered\nlong ago", None, id="answered"),
    ],
)
def test_only_the_clis_own_question_is_answered(printed: str, keys: bytes | None) -> None:
    """The CLI's consent prompt gets its y; anything else gets no key."""
    assert answer_cli(printed) == keys


def test_sql_is_a_step_like_any_other() -> None:
    """A statement is confirmed by its effect."""
    shown = screen(step("count", Sql(statement="select 1", at=WITNESS.at)), effect=Effect.READS)

    assert shown.confirmation is Confirmation.ENTER
    assert AutoOperator({}).decide(shown) == Go()


def test_a_reaction_that_never_helps_comes_to_an_end() -> None:
    """An unattended drill goes round in no circle: it stops, and says at which step it failed how often."""
    operator = AutoOperator({}, {"apply": "retry"})
    replies = [operator.recover(screen(), failed("ERROR: lock timeout")) for _ in range(11)]

    assert all(isinstance(reply, Go) for reply in replies[:-1])
    assert isinstance(replies[-1], Stop)
    assert "'apply' failed 10 times more: expected exit 0, saw exit 1; ERROR: lock timeout" in replies[-1].reason
