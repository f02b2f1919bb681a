"""Two people with homes, directories and terminals of their own, and one shared journal."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from support.forked import start
from support.journal_engines import PostgresEngine
from support.places import DEPLOY, PUSH, Place, make_place
from support.walks import short

from runbook.journal.events import ConfirmationGiven, Event, StepStarted
from runbook.journal.record import findings_in


class Person(Place):
    """Somebody at a terminal, whose answers `answers` gives for what a screen shows; otherwise as `Place` does."""

    name: str
    journal: str
    answers: dict[str, str | Callable[[], str]]
    when_asked: Callable[[str], None] | None = None
    """What happens, once, while this one waits for a second person."""

    @property
    def environment(self) -> dict[str, str]:
        """The environment on a machine of their own."""
        return {**super().environment, "LOGNAME": self.name, "USER": self.name, "RUNBOOK_JOURNAL": self.journal}

    def answer(self, screen: str) -> str:
        """Return the answer to the first text that is on the screen, once; otherwise what `Place` answers."""
        for text, given in self.answers.items():
            if text in screen:
                del self.answers[text]
                return given if isinstance(given, str) else given()
        return super().answer(screen)

    def at_terminal(self, *words: str, **answers: str | Callable[[], str]) -> int:
        """Run a command at a terminal of their own; return its exit code. Underscores in texts stand for spaces."""
        self.answers = {text.replace("_", " "): given for text, given in answers.items()}
        verb, *rest = words
        argv = ["--book", str(self.root / "book"), verb, *rest]
        child = start(argv, environment=self.environment, directory=self.root / "project")
        if self.when_asked is not None:
            child.meanwhile["Ctrl-C ends the waiting"] = self.when_asked
        self.child = child.pid
        return self.converse(child)

    def output_of(self, *words: str) -> str:
        """Run a command without a terminal; return what it prints."""
        ran = subprocess.run(
            [sys.executable, "-m", "runbook", "--book", str(self.root / "book"), *words],
            env={**self.environment, "PYTHONPATH": os.pathsep.join(sys.path)},
            cwd=self.root / "project",
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return ran.stdout + ran.stderr

    @property
    def seen(self) -> str:
        """Everything that was on the screen, as one line."""
        return " ".join("".join(self.screens).split())


@pytest.fixture
def crew(people: dict[str, str], tmp_path: Path) -> tuple[Person, Person]:
    """Return Ada and Grace, each with a home and a project of their own."""
    made = []
    for name in ("ada", "grace"):
        person = Person(make_place(tmp_path / name).root)
        person.name, person.journal, person.answers = name, people[name], {}
        made.append(person)
    return made[0], made[1]


def recorded(engine: PostgresEngine, run: str = "") -> list[Event]:
    """Return a run's events (default: the newest), after proving them."""
    with closing(engine.open()) as journal:
        name = run or journal.runs()[0]
        assert list(findings_in(name, *journal.record(name))) == []
        return list(journal.events(name))


def test_the_second_one_is_told_who_works_where_since_when_and_at_which_step(crew: tuple[Person, Person]) -> None:
    """They leave it, and the first one finishes as if nothing had happened."""
    ada, grace = crew
    ended = []

    def meanwhile() -> str:
        ended.append(grace.at_terminal("run", "fix"))
        return "yes"

    assert ada.at_terminal("run", "fix", Type_yes_to_run=meanwhile) == 0
    assert ended == [5]
    assert "Somebody else holds this target" in grace.seen
    assert "ada on " in grace.seen
    assert "fix, now at step push" in grace.seen
    assert "That process is still running" in grace.seen
    assert (ada.effects, grace.effects) == ([PUSH, DEPLOY], [])


def test_a_take_over_with_a_reason_stops_the_first_one_at_the_next_prompt(
    crew: tuple[Person, Person], shared: PostgresEngine
) -> None:
    """What the first one typed meanwhile starts nothing; both records say who took over, and why."""
    ada, grace = crew
    ended = []

    def meanwhile() -> str:
        ended.append(grace.at_terminal("run", "fix", type_the_reason="Ada is on a train"))
        return "yes"

    assert ada.at_terminal("run", "fix", Type_yes_to_run=meanwhile) == 5
    assert ended == [0]
    assert (ada.effects, grace.effects) == ([], [PUSH, DEPLOY])
    assert "grace took over the target during this run: Ada is on a train" in ada.seen
    runs = shared.open().runs()
    for run in runs:
        assert ("TakenOver", "Ada is on a train") in short(recorded(shared, run))


def test_a_handed_over_run_is_continued_elsewhere_to_its_end(
    crew: tuple[Person, Person], shared: PostgresEngine
) -> None:
    """The note comes first, then what is known, then the step; the other project is shown, and nothing runs twice."""
    ada, grace = crew
    (grace.root / "project/supabase/migrations").mkdir()
    (grace.root / "project/supabase/migrations/1_extra.sql").write_text("select 1;")

    code = ada.at_terminal(
        "run", "fix", What_is_it="h", next_person_need_to_know="The push is done, the function is broken", Who_="Grace"
    )
    assert code == 1
    assert ada.effects == [PUSH]

    assert grace.at_terminal("resume", "--workdir", ".", Type_yes_to_continue_with_the="yes") == 0
    assert grace.effects == [DEPLOY]
    squeezed = "".join(grace.seen.split())  # a long path is broken where the line ends
    order = [
        squeezed.index("".join(text.split()))
        for text in (
            "Note for you: The push is done, the function is broken",
            "ada handed this run over to Grace",
            "It continues at step 3",
            f"-{ada.root / 'project'} on ",
            f"+{grace.root / 'project'} on ",
            "+supabase/migrations/1_extra.sql is only here",
            "Type the number of your answer",
        )
    ]
    assert order == sorted(order)
    kinds = [type(event).__name__ for event in recorded(shared)]
    assert kinds.count("HandedOver") == kinds.count("RunResumed") == 1
    assert kinds[-1] == "RunFinished"


def test_a_run_whose_laptop_died_is_handed_over_and_continued(
    crew: tuple[Person, Person], shared: PostgresEngine
) -> None:
    """`runbook handover` leaves the note; a step that was cut off isn't repeated by itself."""
    ada, grace = crew
    (ada.root / "kill").touch()
    assert ada.at_terminal("run", "fix") == -signal.SIGKILL
    assert ada.effects == [PUSH]

    said = ada.output_of("handover", "--to", "Grace", "--note", "My laptop died during the push")
    assert "Handed over to Grace" in said
    assert (
        grace.at_terminal(
            "resume", "--workdir", ".", Type_yes_to_continue_with_the="yes", Nobody_saw_how_this_step_ended="done"
        )
        == 0
    )
    assert "Note for you: My laptop died during the push" in grace.seen
    assert "UNKNOWN Nobody saw how this step ended: Push" in grace.seen
    assert grace.effects == [DEPLOY]
    assert [type(event).__name__ for event in recorded(shared)][-1] == "RunFinished"


def test_a_run_that_somebody_walks_is_not_handed_over_from_outside(crew: tuple[Person, Person]) -> None:
    """They have the key h."""
    ada, grace = crew
    said = []

    def meanwhile() -> str:
        said.append(grace.output_of("handover", "fix", "--to", "me", "--note", "mine"))
        return "yes"

    assert ada.at_terminal("run", "fix", Type_yes_to_run=meanwhile) == 0
    assert "ada is at work in run " in said[0]


def test_everybody_sees_what_happens(crew: tuple[Person, Person]) -> None:
    """Status, history and the report from another machine; watching begins in the middle and ends with the run."""
    ada, grace = crew
    seen: dict[str, str] = {}
    watching: list[subprocess.Popen[str]] = []

    def meanwhile() -> str:
        seen["status"] = grace.output_of("status")
        watching.append(
            subprocess.Popen(
                [sys.executable, "-m", "runbook", "--book", str(grace.root / "book"), "watch"],
                env={**grace.environment, "PYTHONPATH": os.pathsep.join(sys.path)},
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        assert watching[0].stdout is not None
        seen["first"] = watching[0].stdout.readline()
        return "yes"

    assert ada.at_terminal("run", "fix", Type_yes_to_run=meanwhile) == 0
    with watching[0] as watch:
        watched = seen["first"] + watch.communicate(timeout=30)[0]
    assert watch.returncode == 0
    assert "ada" in seen["status"]
    assert "process " in seen["status"]
    assert "Push: runs, confirmed with 'yes'" in watched
    assert f"$ npx {PUSH}" in watched
    assert "| done" in watched
    assert watched.rstrip().endswith("ada  finished the run")

    history = grace.output_of("history", "--operator", "ADA", "--since", "1h", "--value", "7")
    assert history.count("finished") == 1
    assert "No run is like that" in grace.output_of("history", "--operator", "somebody")
    assert "ada" in grace.output_of("report")
    assert "as recorded. The last hash: " in grace.output_of("verify")


# --- a second person ------------------------------------------------------------------------------------------------


@pytest.fixture
def careful(crew: tuple[Person, Person]) -> tuple[Person, Person]:
    """Return Ada and Grace with a book in which somebody else must confirm the push."""
    for person in crew:
        file = person.root / "book/procedures/fix.yaml"
        text = file.read_text()
        assert "  - id: push\n" in text
        file.write_text(text.replace("  - id: push\n", "  - id: push\n    second_person: true\n"))
    return crew


def code_in(text: str) -> str:
    """Return the code that a screen shows."""
    found = re.search(r"(?:must show this code: |screen must be )([0-9a-f]{8})", " ".join(text.split()))
    assert found is not None, text
    return found[1]


def test_a_step_runs_once_somebody_else_has_confirmed_it(
    careful: tuple[Person, Person], shared: PostgresEngine
) -> None:
    """Both screens show the same code, the record has both people, and the report names them."""
    ada, grace = careful
    codes: list[str] = []

    def confirm(screen: str) -> None:
        codes.append(code_in(screen))
        assert grace.at_terminal("confirm", Type_the_code=codes[0]) == 0
        codes.append(code_in(grace.seen))

    ada.when_asked = confirm
    assert ada.at_terminal("run", "fix") == 0
    assert codes[0] == codes[1]
    assert f"$ npx {PUSH}" in grace.seen
    assert "ada asks you to confirm a step" in grace.seen
    assert "WRITES to PRODUCTION" in grace.seen
    assert "grace confirmed it, too" in ada.seen
    assert ada.effects == [PUSH, DEPLOY]
    events = recorded(shared)
    given = [event for event in events if isinstance(event, ConfirmationGiven)]
    assert [(one.operator, one.role) for one in given] == [("grace", "grace")]
    pushes = [one for one in events if isinstance(one, StepStarted) and one.step == "push" and one.effect == "writes"]
    assert [(one.confirmed, one.seconded) for one in pushes] == [("yes", "grace")]
    assert "confirmed with 'yes' and by grace" in " ".join(ada.output_of("report").split())


def test_nobody_confirms_their_own_step(careful: tuple[Person, Person]) -> None:
    """Not at another terminal, and not under another name: the journal knows them by their role."""
    ada, grace = careful
    said: list[str] = []

    def try_it(_screen: str) -> None:
        other = Person(ada.root)
        other.name, other.journal, other.answers = "somebody-else", ada.journal, {}
        said.append(str(other.at_terminal("confirm")))
        said.append(other.seen)
        assert grace.at_terminal("confirm", Type_the_code="no", Whoever_asked="The table is in use") == 3

    ada.when_asked = try_it

    def go_back() -> str:
        ada.answers["Type yes to run"] = "q"
        return ""

    assert ada.at_terminal("run", "fix", Enter_goes_back=go_back, Type_yes_to_run="yes") == 1
    assert said[0] == "3"
    assert "you can't confirm this step: ada asked for it as ada, and so do you" in said[1]
    assert "Grace refused: The table is in use" in ada.seen
    assert PUSH not in ada.effects
