"""The screen of one step. Pure: it turns a screen's facts into lines, at most as many as the terminal has."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.text import Text

from runbook.engine.pace import is_judged_by_person
from runbook.engine.ports import Confirmation, Screen
from runbook.engine.way import way_of
from runbook.journal.events import Outcome, Purpose
from runbook.model import Effect, Value, Verdict
from runbook.printable import one_line, spelled_out
from runbook.steps import view
from runbook.steps.destination import Prepared
from runbook.steps.view import Label
from runbook.terminal.block_lines import brief_options, in_words, labelled, lines_of_blocks, notes, render_block
from runbook.terminal.diagnosis_lines import known_error_lines, said_lines
from runbook.terminal.finding_lines import finding_bands, finding_title, is_output_cut
from runbook.terminal.lines import Band, Lines, band, both_ends, command_lines, fit, fitting_sizes, keys, wrap
from runbook.terminal.pick_list import offered_lines
from runbook.terminal.screen_head import head, is_dry, step_line

__all__ = ["ask_line", "can_undo", "is_finding_cut", "other_procedures", "render_by_itself", "render_details"]
__all__ += ["render_own", "render_step", "what_ran"]

_FOR_DETAILS = (view.PrivateFile, view.Expected, view.Verification, view.UndoWay)
_ANSWERS: Mapping[type, str] = {view.Options: "Type the number of your answer", view.Ask: "Type the value"}
_EDITOR = "It opens already filled in. If the text is right, change nothing and quit (in vi: type :q and Enter)."
_UNCUT = 10_000
"""Columns for a command that is cut at the edge of the screen."""
_VERDICTS = {
    Verdict.ALLOW: "The policy allows this command.",
    Verdict.CONFIRM: "The policy wants this command confirmed.",
    Verdict.REFUSE: "The policy refuses this command.",
}


def render_step(
    screen: Screen, width: int = 80, height: int = 24, *, stopped: bool = False, practice: Sequence[str] = ()
) -> Lines:
    """Return what is shown before the operator decides on a step; one row of `height` is left for the prompt.

    `stopped` means that the step would have started by itself if nobody had pressed a key. `practice` says how to try
    something in a drill, for a step where that is needed. If it has no room for the finding, only names it.
    """
    above = is_finding_cut(screen, width, height)
    bands = _step_bands(screen, width, height, stopped=stopped, practice=practice, finding_is_above=above)
    return fit(bands, height - 1)


def is_finding_cut(screen: Screen, width: int = 80, height: int = 24) -> bool:
    """Tell whether the step's screen has too little room for what the step before it left to judge."""
    bands = _step_bands(screen, width, height)
    sizes = fitting_sizes(bands, height - 1)
    return any(is_output_cut(one, size) for one, size in zip(bands, sizes, strict=True))


def _step_bands(screen: Screen, width: int, height: int, **more: Any) -> list[Band]:
    """Return the parts of a step's screen. If they don't fit, each answer to a question takes a single line."""
    bands = list(_bands_of_step(screen, width, **more))
    if sum(len(one.lines) for one in bands) >= height:
        bands = list(_bands_of_step(screen, width, **more, brief=True))
    return bands


def _bands_of_step(
    screen: Screen,
    width: int,
    *,
    stopped: bool = False,
    practice: Sequence[str] = (),
    finding_is_above: bool = False,
    brief: bool = False,
) -> Iterator[Band]:
    later = [*notes(screen, Label.WHY, Label.IF_IT_FAILS)]
    if screen.effect is Effect.READS and is_judged_by_person(screen.step, screen.action):
        later += notes(screen, Label.LOOK_FOR)  # shown beside the output, where it helps
    blocks = [block for block in screen.blocks if not isinstance(block, _FOR_DETAILS) and block not in later]
    # A warning comes before what it warns of, even if an undo's own blocks come first.
    warnings = [*notes(screen, Label.WARNING, Label.SECOND_PERSON)]
    blocks.sort(key=lambda block: block not in warnings)
    last = screen.state.step(screen.path).last
    earlier: Lines = []
    if last is not None and last.outcome is not None:
        failed = last.outcome is not Outcome.PASSED
        hint = "; o shows its output" if failed else ""
        text = f"It ran before: {last.outcome.value}, {last.started:%H:%M:%S} UTC{hint}."
        earlier = wrap(text, width, first="  ", style="bold yellow" if failed else "dim")
    # A step that never ran has nothing to undo yet; an undo's own screen is the undo.
    undo = ["u undo"] if can_undo(screen) and last is not None and screen.purpose is Purpose.RUN else []
    names = ["s skip", "b back", "l steps", "? more", "o output", *undo, "q stop"]
    tries = practice if screen.action.ways_back else ()
    yield band(head(screen, width))
    yield band([Text()], 0)
    if screen.finding is not None and finding_is_above:
        again = Text("  It is shown above; o shows it again.", style="dim")
        yield from (band([*finding_title(screen.finding, width), again]), band([Text()], 0))
    else:
        yield from finding_bands(screen.finding, width)
    yield band(step_line(screen, width))
    for block in blocks:
        if brief and isinstance(block, view.Options):
            yield band(brief_options(block, width))
            yield band([Text("  ? shows how to recognize each answer.", style="dim")], 0)
        else:
            yield render_block(block, width)
    yield band([Text()] if screen.draft else [], 0)
    yield band(wrap(_EDITOR, width, first="  ") if screen.draft else [])
    yield band([Text(), *(line for text in tries for line in wrap(text, width, first="  "))] if tries else [], 2)
    yield band(offered_lines(screen.asks, width) if screen.asks else [], 3)
    yield band(_look_alikes(screen, width))
    yield band([*_effect(screen, width), *_undo_in_short(screen, width)])
    yield band(earlier, 0 if last is None or last.outcome is Outcome.PASSED else 1)
    yield band([Text()], 0)
    yield band(wrap("You pressed a key, so the walk waits here.", width, first="  ", style="bold") if stopped else [])
    yield band(keys(f"{ask_line(screen)}, or:", names, width))


def render_own(screen: Screen, width: int = 80, height: int = 24) -> Lines:
    """Return what is shown before the operator's own command writes."""
    bands = [
        band(head(screen, width)),
        band([Text()], 0),
        band(wrap(f"{screen.title}, while you are at: {one_line(screen.step.title)}", width, style="bold")),
        *(render_block(block, width) for block in screen.blocks),
        band(_effect(screen, width)),
        band([Text()], 0),
        band(keys(f"{ask_line(screen)}; anything else leaves it.", [], width)),
    ]
    return fit(bands, height - 1)


def render_by_itself(screen: Screen, width: int = 80) -> Lines:
    """Return the few lines above a step that starts by itself and asks nothing."""
    number, count, _ = screen.phase
    phase = f", phase {number} of {count}" if number and count > 1 else ""
    looks = [block for block in screen.blocks if isinstance(block, view.Looks | view.Pause)]
    *effect, last = _effect(screen, width) or [Text()]
    pause = Text("  any key: pause", style="dim")
    return [
        Text(),
        *step_line(screen, width, phase),
        *(line for block in looks for line in render_block(block, width).lines),
        *([] if looks else _in_one_line(what_ran(screen, _UNCUT), width)),
        *_look_alikes(screen, width),
        *effect,
        *(both_ends(last, pause, width) if last.plain else []),
    ]


def _in_one_line(lines: Lines, width: int) -> Lines:
    """Return the lines as one, cut at the edge of the screen."""
    text = "  " + " ".join(" ".join(line.plain.split()) for line in lines)
    cut = Text(text, style="bold")
    cut.truncate(width, overflow="ellipsis")
    return [cut] if lines else []


def render_details(screen: Screen, width: int = 80) -> Lines:
    """Return the keys, then everything known about a step, for the key `?`, however long it is."""
    every = ["s skip (asks why)", "b back to the step before", "? this page", "o output so far", "u undo this step"]
    every += ["l list of steps", "g go to a step", "m note", "! a command of your own"]
    every += ["h hand over", "p go to another procedure", "q stop; the run can be resumed"]
    lines = [*keys("Keys at any step:", every, width), Text()]
    lines += [*wrap(one_line(screen.title), width, style="bold"), Text()]
    if screen.diagnosis:
        lines += said_lines(screen.diagnosis.error, width)
        lines += known_error_lines(screen.diagnosis.known, width) if screen.diagnosis.known else []
        lines.append(Text())
    lines += lines_of_blocks(screen.blocks, width)
    lines += offered_lines(screen.asks, width) if screen.asks else []
    shown = [block.argv for block in screen.blocks if isinstance(block, view.CommandToRun)]
    if screen.argv and screen.argv not in shown and not _requests(screen):
        lines += [Text("  Command:"), *command_lines(screen.argv, width)]
    lines += _effect(screen, width)
    said = screen.judgement
    if said is not None and said.reason:
        lines += wrap(
            f"{_VERDICTS[said.verdict]} {said.reason} {said.instead}".strip(), width, first="  ", rest="      "
        )
    given = list(_given_values(screen))
    lines += [Text(), Text("Values given in this run:", style="bold")] if given else []
    for name, value in given:
        text = value if isinstance(value, str) else ", ".join(value)
        lines += wrap(text, width, first=f"  {name.replace('_', ' ')}: ", rest="      ")
    return lines


def _given_values(screen: Screen) -> Iterator[tuple[str, Value]]:
    """Yield the values that a person gave. What steps found for later steps means nothing to a reader."""
    places = way_of(screen.procedure, screen.state).places
    asked = [parameter.name for parameter in screen.procedure.parameters]
    asked += [action.asks.name for place in places for action in place.step.actions if action.asks]
    yield from ((name, screen.values[name]) for name in dict.fromkeys(asked) if name in screen.values)


def ask_line(screen: Screen) -> str:
    """Say what must be typed to do the step."""
    if screen.asks and screen.asks.offered:
        return "Type a number from the list, or the value"
    if screen.action.wants_answer:
        return next((_ANSWERS[type(block)] for block in screen.blocks if type(block) in _ANSWERS), "Type the answer")
    purpose = screen.action.enter_does
    if is_dry(screen.state) and screen.effect is not Effect.READS:
        return "Press Enter to go on without it"
    if screen.purpose is Purpose.UNDO:
        purpose = "to undo it" if screen.action.runs else "when it is undone"
    if screen.confirmation is Confirmation.ENTER:
        return f"Press Enter {purpose}" if purpose.startswith("to ") else f"Enter {purpose}"
    word = one_line(screen.word) if screen.confirmation is Confirmation.NAME else "yes"
    return f"Type {word} {purpose}"


def can_undo(screen: Screen) -> bool:
    """Tell whether the step can be undone."""
    return screen.step.undo is not None and screen.step.undo.action is not None


def other_procedures(screen: Screen) -> list[str]:
    """Return the ids of procedures that may fit better: the one for a known error first, then the step's own."""
    procedure, known = screen.procedure, screen.diagnosis.known if screen.diagnosis else None
    found = [known.see] if known else []
    if screen.step.if_it_fails and not (known and known.nothing_ran):
        found.append(screen.step.if_it_fails.see)
    found += [reference.see for reference in procedure.not_for]
    return list(dict.fromkeys(one for one in (*found, *procedure.related) if one and one != procedure.id))


def what_ran(screen: Screen, width: int) -> Lines:
    """Return what the step ran, as its own screen showed it: its request, or else its command."""
    requests = _requests(screen)
    if requests:
        return lines_of_blocks(requests, width)
    return command_lines(screen.argv, width) if screen.argv else []


def _requests(screen: Screen) -> list[view.Block]:
    # The argv of such a step is the process that sends the request, which means nothing to an operator.
    return [block for block in screen.blocks if isinstance(block, view.HttpRequest)]


# --- what the walk adds -------------------------------------------------------------------------------------------


def _effect(screen: Screen, width: int) -> Lines:
    reaches_target = screen.action.runs or screen.action.reports_findings
    if not reaches_target and screen.effect is Effect.READS:
        return []
    seen = screen.target
    target = seen.kind.upper() if seen.name == seen.kind else f"{seen.kind.upper()} {one_line(seen.name)}"
    sentence = view.effect_sentence(Prepared(effect=screen.effect, judgement=screen.judgement), target)
    return render_block(view.EffectNote(screen.effect, sentence), width).lines


def _look_alikes(screen: Screen, width: int) -> Lines:
    """Return a warning for each value whose letters look Latin but aren't."""
    lines: Lines = []
    for name, value in sorted(screen.values.items()):
        for word in re.findall(r"\w+", value if isinstance(value, str) else ",".join(value)):
            if letters := spelled_out(word):
                text = f"'{word}' ({name}) looks Latin, but its letters are {letters}."
                lines += wrap(text, width, first="  WARNING: ", style="bold yellow")
    return lines


def _undo_in_short(screen: Screen, width: int) -> Lines:
    """Say in at most two lines how to undo something that writes."""
    way = next((block for block in screen.blocks if isinstance(block, view.UndoWay)), None)
    if way is None or screen.effect is Effect.READS:
        return []
    lines = labelled("Undo:" if way.blocks else "No undo:", way.reason or in_words(way), width)
    return lines if len(lines) <= 2 else [lines[0], Text("      [more: ? shows all]", style="dim")]
