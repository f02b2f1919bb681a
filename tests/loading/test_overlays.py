"""A team's changes to a packaged procedure: what they do, what they can't do, and what an upgrade does to them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent, indent

import pytest
from support.books import marked, write_book

from runbook.checks import open_book
from runbook.checks.book import check_book, find_problems
from runbook.cli import contents, main
from runbook.engine.rules import describe_book
from runbook.errors import BookError
from runbook.loading import book, differences, load_book, load_procedure, place, read_book
from runbook.model import Procedure, Step

TEAM = """\
name: Shop
projects: {production: {ref: abcdefghijklmnopqrst}}
contacts: {shop: {name: Ada, channel: "#shop"}}
"""
BASE = """\
title: Add a thing
summary: A thing is added.
section: before
use_when: [A thing is missing]
owner: database
reviewed: 2026-11-01
review_every: 90d
minutes: 5
warnings: [Look first.]
steps:
  - {id: look, phase: Look, title: Look, run: 'npx supabase migration list {{target}}'}
  - id: ask
    title: Is it there?
    choose:
      - {when: 'Yes', steps: [{id: leave, title: Leave it, tick: It is left}]}
      - {when: 'No'}
  - {id: tell, phase: Tell, title: Tell people, tick: They know}
  - {id: done, title: Say so, tick: It is said}
drills:
  - name: plain
    briefing: A thing is missing.
    scenario: {}
    answers: {ask: 'No'}
    prove: [{text: It was looked at, walked: [look, done]}]
"""
NEW = "{id: ours, title: Do ours, tick: It is done}"


@pytest.fixture(autouse=True, scope="module")
def _imported(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Check any book: what the checks import must remember where the real packaged book is."""
    check_book(read_book(write_book(tmp_path_factory.mktemp("any") / "book")))


@pytest.fixture
def packaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file of a procedure in a packaged book that a test can upgrade."""
    real = place.PACKAGED_BOOK
    directory = tmp_path / "packaged"
    (directory / "procedures").mkdir(parents=True)
    for name in ("policy.yaml", "supabase.yaml", "search.yaml"):
        (directory / name).write_bytes((real / name).read_bytes())
    file = directory / "procedures/add-thing.yaml"
    file.write_text(BASE)
    for module in (place, book, differences, contents):
        monkeypatch.setattr(module, "PACKAGED_BOOK", directory)
    return file


@pytest.fixture
def team(tmp_path: Path, packaged: Path) -> Path:
    """Return the directory of a team's book without changes."""
    assert packaged.is_file()
    directory = tmp_path / "shop/team-runbook"
    (directory / "changes").mkdir(parents=True)
    (directory / "procedures").mkdir()
    (directory / "team.yaml").write_text(TEAM)
    return directory


def _change(team: Path, steps: str = "", *, more: str = "", pin: bool = True) -> None:
    text = dedent(more) + (f"steps:\n{indent(dedent(steps), '  ')}" if steps else "")
    (team / "changes/add-thing.yaml").write_text(text)
    if pin:
        main(["--book", str(team), "upgrade", "--accept"])


def _changed(team: Path) -> Procedure:
    return read_book(team).procedures["add-thing"]


def _ids(steps: tuple[Step, ...]) -> list[str]:
    return [step.id for step in steps]


def _messages(team: Path) -> list[str]:
    return [finding.message for finding in find_problems(str(team))[1]]


# --- what changes do ----------------------------------------------------------------------------------------------


def test_a_teams_book_has_all_packaged_procedures_and_its_own(team: Path) -> None:
    """And each includes the other's: here the team's includes ours, and ours gets a step that includes theirs."""
    own = BASE.replace("{id: done, title: Say so, tick: It is said}", "{id: done, title: Rest, include: add-thing}")
    own = own[: own.index("drills:")]
    (team / "procedures/our-thing.yaml").write_text(own.replace("id: look", "id: see"))
    theirs = "title: Small\n" + BASE[len("title: Add a thing\n") : BASE.index("steps:")] + f"steps: [{NEW}]\n"
    (team / "procedures/small.yaml").write_text(theirs)
    _change(team, "- after: tell\n  steps: [{id: small, title: Small, include: small}]\n")
    found = read_book(team)
    assert set(found.procedures) == {"add-thing", "our-thing", "small"}
    assert found.procedures["add-thing"].steps[3].action.included == "small"
    assert found.procedures["our-thing"].steps[-1].action.included == "add-thing"
    assert _messages(team) == []


@pytest.mark.parametrize(
    ("steps", "ids"),
    [
        (f"- {{before: tell, steps: [{NEW}]}}", ["look", "ask", "ours", "tell", "done"]),
        (f"- {{after: tell, steps: [{NEW}]}}", ["look", "ask", "tell", "ours", "done"]),
        (f"- {{instead_of: tell, reason: We phone, steps: [{NEW}]}}", ["look", "ask", "ours", "done"]),
        ("- {remove: tell, reason: Nobody is there}", ["look", "ask", "done"]),
    ],
)
def test_steps_go_before_after_or_instead_of_a_step_or_away(team: Path, steps: str, ids: list[str]) -> None:
    """The phase that began with the step begins with what is first in its place."""
    _change(team, steps)
    found = _changed(team)
    assert _ids(found.steps) == ids
    assert [step.phase for step in found.steps] == ["Look", None, *("Tell", *[None] * (len(ids) - 3))]
    assert _messages(team) == []


def test_a_step_inside_an_answer_can_be_changed_too(team: Path) -> None:
    """An id is unique in the whole procedure."""
    _change(team, f"- {{after: leave, steps: [{NEW}]}}\n- {{change: leave, why: We must., warning: Careful}}\n")
    (yes, _) = _changed(team).steps[1].action.branches()
    assert _ids(yes) == ["leave", "ours"]
    assert (yes[0].why, yes[0].warning, yes[0].title) == ("We must.", "Careful", "Leave it")


def test_texts_are_set_and_added(team: Path) -> None:
    """The owner is then a person to reach."""
    _change(
        team,
        more="""\
        set: {owner: shop, reviewed: 2026-11-20, summary: Our thing is added.}
        add: {warnings: [Ask the shop.], symptoms: [The shelf is empty]}
        """,
    )
    found = _changed(team)
    assert (found.owner, str(found.reviewed), found.summary) == ("shop", "2026-11-20", "Our thing is added.")
    assert (found.warnings, found.symptoms) == (("Look first.", "Ask the shop."), ("The shelf is empty",))
    assert found.contact is not None
    assert found.contact.reached == "Ada, #shop"


def test_a_teams_step_may_need_a_value_and_an_answer_in_every_drill(team: Path) -> None:
    """Or the packaged drills would stop at it."""
    steps = "- before: tell\n  steps: [{id: pick, title: Which?, choose: [{when: A}, {when: B}]}]\n"
    _change(team, steps)
    assert any("drill" in message for message in _messages(team))
    more = "parameters: {ticket: {ask: Which ticket?, example: T-1}}\ndrill_answers: {pick: A, ticket: T-2}\n"
    _change(team, steps + "- {change: look, why: 'For {{ticket}}.'}\n", more=more)
    assert _messages(team) == []
    assert _changed(team).drills[0].answers == {"pick": "A", "ticket": "T-2", "ask": "No"}


def test_a_drill_that_no_longer_fits_is_left_out_with_a_reason(team: Path) -> None:
    """Leaving out a step that a drill proves is reported until it is."""
    _change(team, "- {remove: done, reason: We don't}\n")
    assert any("done" in message for message in _messages(team))
    _change(team, "- {remove: done, reason: We don't}\n", more="without_drills: {plain: It proves that step.}\n")
    assert _messages(team) == []
    assert _changed(team).drills == ()


def test_every_change_is_shown_with_its_reason(team: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On the page, in each format of `show`, and on the first screen of a walk."""
    _change(team, "- {remove: tell, reason: Nobody is there}\n", more="set: {owner: shop}\n")
    for form in ("text", "md", "json"):
        capsys.readouterr()
        assert main(["--book", str(team), "show", "add-thing", "--format", form]) == 0
        shown = capsys.readouterr().out
        assert "Nobody is there" in shown, form
        assert "#shop" in shown, form


def test_a_changed_procedure_is_another_one(team: Path) -> None:
    """A run that began without the change shows the difference when it is resumed."""
    before = _changed(team)
    _change(team, f"- {{after: tell, steps: [{NEW}]}}")
    after = _changed(team)
    assert before.digest != after.digest
    assert after.source.startswith(before.source.rstrip())
    assert NEW in after.source


def test_reading_one_procedure_shows_the_same_as_reading_the_book(team: Path) -> None:
    """`show` reads only what it needs."""
    _change(team, f"- {{after: tell, steps: [{NEW}]}}")
    part = load_procedure(team, "add-thing").book
    assert part is not None
    assert part.procedures["add-thing"] == _changed(team)


# --- what is refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"steps: [{{before: §tel, steps: [{NEW}]}}]", "isn't in the packaged procedure; did you mean 'tell'?"),
        ("steps: [§{remove: tell}]", "a change has no 'reason'"),
        (f"steps: [§{{instead_of: tell, steps: [{NEW}]}}]", "a change has no 'reason'"),
        ("steps: [{change: tell, §run: 'npx supabase db reset'}]", "unknown key 'run'"),
        ("steps: [{after: tell, steps: [{id: §look, title: L, tick: T}]}]", "a step called 'look' is already"),
        (
            "steps: [{remove: tell, reason: A}, {change: §tell, why: B}]",
            "something else is already done to the step 'tell'",
        ),
        ("without_drills: §{plan: It is slow}", "has no drill 'plan'"),
        ("set: {owner: shop, §emergency: true}", "unknown key 'emergency'"),
    ],
)
def test_a_change_that_cannot_be_made_is_named_with_its_place(team: Path, text: str, message: str) -> None:
    """The procedure can still be read as it is packaged, and says so; it can't be run."""
    clean, [(line, column)] = marked(text + "\n")
    (team / "changes/add-thing.yaml").write_text(clean)
    found = [each for each in find_problems(str(team))[1] if each.file.endswith("changes/add-thing.yaml")]
    assert [(each.line, each.column) for each in found if message in each.message] == [(line, column)], found
    with pytest.raises(BookError):
        open_book(str(team))
    reading = load_book(team)
    assert reading.book is not None
    shown = reading.book.procedures["add-thing"]
    assert _ids(shown.steps) == ["look", "ask", "tell", "done"]
    assert "Your team's changes aren't here" in shown.changes[0].text


def test_the_safety_of_the_merged_procedure_is_checked_like_any_other(team: Path) -> None:
    """A team's step can't reset production, and neither can it write without a way back."""
    _change(team, "- {after: look, steps: [{id: wipe, title: W, run: 'npx supabase db reset {{target}}'}]}")
    assert any(message.startswith("policy refuses this") for message in _messages(team))
    _change(team, "- {after: look, steps: [{id: push, title: P, run: 'npx supabase db push {{target}}'}]}")
    assert any("can't be checked or undone" in message for message in _messages(team))


def test_a_procedure_of_ours_cannot_be_hidden(team: Path) -> None:
    """A team changes it in `changes/`; a change of a procedure that doesn't exist is a typo."""
    (team / "procedures/add-thing.yaml").write_text(BASE)
    assert any("change it in changes/add-thing.yaml" in message for message in _messages(team))
    (team / "procedures/add-thing.yaml").unlink()
    (team / "changes/add-thin.yaml").write_text("set: {owner: shop}\n")
    assert any("did you mean 'add-thing'?" in message for message in _messages(team))


# --- an upgrade of the package ------------------------------------------------------------------------------------

Upgrade = Callable[[str], str]
UPGRADES: dict[str, tuple[Upgrade, str, bool]] = {
    "changed": (
        lambda text: text.replace("title: Tell people", "title: Tell everybody"),
        "the step 'tell' has changed in the packaged procedure",
        True,
    ),
    "moved": (
        lambda text: text.replace("  - {id: tell, phase: Tell, title: Tell people, tick: They know}\n", "").replace(
            "steps:\n", "steps:\n  - {id: tell, phase: Tell, title: Tell people, tick: They know}\n", 1
        ),
        "the step 'tell' was moved within the procedure",
        True,
    ),
    "gone": (
        lambda text: text.replace("  - {id: tell, phase: Tell, title: Tell people, tick: They know}\n", ""),
        "the step 'tell' is gone from the packaged procedure. `runbook upgrade` shows what it was",
        False,
    ),
    "renamed": (
        lambda text: text.replace("id: tell", "id: say"),
        "the step 'tell' is gone from the packaged procedure; it seems to be called 'say' now",
        False,
    ),
}


@pytest.mark.parametrize("kind", UPGRADES)
def test_an_upgrade_under_a_change_is_reported_and_not_applied_silently(
    kind: str, team: Path, packaged: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`check` fails at the change, `upgrade` shows the difference, and only a person accepts it."""
    new, message, fits = UPGRADES[kind]
    _change(team, f"- {{after: tell, steps: [{NEW}]}}")
    assert _messages(team) == []
    packaged.write_text(new(BASE))

    found = [each for each in find_problems(str(team))[1] if message in each.message]
    assert [each.file.endswith("changes/add-thing.yaml") for each in found] == [True]
    assert main(["--book", str(team), "check"]) == 2
    capsys.readouterr()
    assert main(["--book", str(team), "upgrade"]) == 1
    shown, said = capsys.readouterr()
    assert "add-thing: tell " in shown
    assert ("-id: tell" in shown) is not fits
    assert said.endswith("then run this again.\n") is not fits
    pins = (team / "changes/pins.json").read_text()
    if fits:
        # It is applied, and whoever runs it is told.
        assert message.partition("' ")[2] in open_book(str(team)).procedures["add-thing"].changes[0].stale
        assert main(["--book", str(team), "upgrade", "--accept"]) == 0
        assert _messages(team) == []
        assert (team / "changes/pins.json").read_text() != pins
    else:
        with pytest.raises(BookError):
            open_book(str(team))
        assert main(["--book", str(team), "upgrade", "--accept"]) == 1
        assert (team / "changes/pins.json").read_text() == pins


def test_a_new_value_under_a_text_that_the_team_sets_is_reported(team: Path, packaged: Path) -> None:
    """Ours may say something that theirs leaves out. Who owns it is their own business."""
    _change(team, more="set: {owner: shop, summary: Ours.}\n")
    packaged.write_text(BASE.replace("summary: A thing is added.", "summary: A thing is added, safely."))
    assert any("'key: summary'" not in each and "'summary' has changed" in each for each in _messages(team))
    main(["--book", str(team), "upgrade", "--accept"])
    packaged.write_text(
        BASE.replace("summary: A thing is added.", "summary: A thing is added, safely.").replace(
            "owner: database", "owner: somebody"
        )
    )
    assert _messages(team) == []


def test_a_change_elsewhere_in_the_procedure_needs_nothing(team: Path, packaged: Path) -> None:
    """The team gets our improvements by the upgrade alone."""
    _change(team, f"- {{after: tell, steps: [{NEW}]}}")
    packaged.write_text(BASE.replace("title: Look,", "title: Look closely,").replace("Say so", "Say it"))
    assert _messages(team) == []
    assert _changed(team).steps[0].title == "Look closely"


def test_pins_of_changes_that_are_gone_are_forgotten(team: Path) -> None:
    """The file has what is needed, and nothing more."""
    _change(team, f"- {{after: tell, steps: [{NEW}]}}")
    _change(team, f"- {{after: done, steps: [{NEW}]}}")
    assert list(json.loads((team / "changes/pins.json").read_text())["add-thing"]) == ["done"]


def test_damaged_pins_are_an_error_that_says_what_to_do(team: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Never a traceback."""
    _change(team, f"- {{after: tell, steps: [{NEW}]}}")
    (team / "changes/pins.json").write_text('{"add-thing": 3}')
    assert main(["--book", str(team), "check"]) == 2
    said = capsys.readouterr()
    assert "restore it from git, or delete it and run `runbook upgrade`" in said.out
    # Reading must still work, and whoever has to walk a procedure now is shown how.
    assert main(["--book", str(team), "show", "add-thing"]) == 0
    with pytest.raises(BookError) as caught:
        open_book(str(team))
    assert "To use the packaged book meanwhile: runbook --book" in caught.value.hint
    assert main(["--book", str(team), "upgrade"]) == 2


def test_without_a_teams_book_there_is_nothing_to_upgrade(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says how to begin one."""
    monkeypatch.delenv("RUNBOOK_BOOK", raising=False)
    monkeypatch.chdir(tmp_path)
    assert main(["upgrade"]) == 2
    assert "runbook init" in capsys.readouterr().err


def test_the_first_screen_names_the_team(team: Path) -> None:
    """Whoever runs it knows whose book it is."""
    assert describe_book(read_book(team)).startswith(f"The book is Shop's: {team}.")


def test_the_list_and_the_search_know_the_teams_procedures(team: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With its changes, and without anybody having to name the book's parts."""
    own = BASE[: BASE.index("drills:")].replace("A thing is added.", "The shelf is counted.")
    (team / "procedures/count-shelf.yaml").write_text(own.replace("A thing is missing", "Nobody knows the stock"))
    assert main(["--book", str(team), "list", "--long"]) == 0
    assert "The shelf is counted." in capsys.readouterr().out
    assert main(["--book", str(team), "find", "nobody", "knows", "the", "stock"]) == 0
    assert "count-shelf" in capsys.readouterr().out
    _change(team, more="set: {summary: Our own summary.}\nadd: {symptoms: [The zebra is loose]}\n")
    capsys.readouterr()
    assert main(["--book", str(team), "list", "--long"]) == 0
    assert "Our own summary." in capsys.readouterr().out
    assert main(["--book", str(team), "find", "zebra"]) == 0
    assert "add-thing" in capsys.readouterr().out


def test_tell_the_team_names_their_channel(team: Path, packaged: Path) -> None:
    """Without one, or without a team, it is the team channel."""
    packaged.write_text(BASE.replace("tick: They know", "tick: 'Tell {{team_channel}} now'"))

    def told(directory: Path) -> str:
        action = read_book(directory).procedures["add-thing"].steps[2].action
        return " ".join(use.text for use in action.uses(read_book(directory).procedures["add-thing"].at))

    assert "Tell the team channel now" in told(team)
    (team / "team.yaml").write_text(f"channel: '#sos'\n{TEAM}")
    assert "Tell #sos now" in told(team)
    _change(team, "- {after: look, steps: [{id: ours, title: A, tick: 'Ask {{team_channel}}'}]}")
    assert "Tell #sos now" in " ".join(use.text for step in _changed(team).steps for use in step.uses())
    assert "Ask #sos" in " ".join(use.text for step in _changed(team).steps for use in step.uses())
