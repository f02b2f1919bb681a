"""The screen of one step. Pure: a screen's facts in, lines out, at most as many as the terminal has."""

from __future__ import annotations

from rich.text import Text

from runbook.engine.events import Purpose
from runbook.engine.ports import Confirmation, Screen
from runbook.model import Choose, Command, Edit, Effect, Family, Procedure, Sql, Step, Tick, Wait
from runbook.terminal.banner import duration, head, where
from runbook.terminal.lines import Block, Lines, block, both_ends, command_lines, fit, keys, one_line, wrap

__all__ = ["ask_line", "keys_of", "other_procedures", "render_details", "render_step"]


def render_step(screen: Screen, width: int = 80, height: int = 24) -> Lines:
    """Return what is shown before the operator decides on a step; one row of `height` is left for the prompt."""
    blocks = [
        block(head(screen, width)),
        block([Text()], 0),
        block(_step_line(screen, width)),
        block(_warning(screen, width), 2),
        *_body(screen, width),
        block(_labelled("Look for:", screen.pieces.get("look_for"), width), 1),
        block(_labelled("Stop if:", screen.pieces.get("stop_if"), width), 1),
        block(_effect(screen, width)),
        block(_earlier(screen, width), 0),
        block([Text()], 0),
        block(keys(f"{ask_line(screen)}, or:", keys_of(screen), width)),
    ]
    return fit(blocks, height - 1)


def render_details(screen: Screen, width: int = 80) -> Lines:
    """Return everything that is known of a step, for the key `?`: as long as it takes."""
    pieces = screen.pieces
    lines = [Text(one_line(pieces.get("title", screen.step.title)), style="bold"), Text()]
    for label, name in (("Why:", "why"), ("Warning:", "warning"), ("Do:", "text"), ("File:", "file")):
        lines += _labelled(label, pieces.get(name), width)
    if screen.argv:
        lines += [Text("  Command:"), *command_lines(screen.argv, width)]
    for label, name in (("Look for:", "look_for"), ("Stop if:", "stop_if"), ("If it fails:", "if_it_fails")):
        lines += _labelled(label, pieces.get(name), width)
    lines += [*_effect(screen, width), *_labelled("Policy:", _policy(screen), width)]
    for name, value in sorted(screen.values.items()):
        shown = value if isinstance(value, str) else ", ".join(value)
        lines += wrap(shown, width, first=f"  {name} = ", rest="      ")
    return [*lines, Text(), *_all_keys(width)]


def ask_line(screen: Screen) -> str:
    """Say what must be typed to do the step."""
    action, undo = screen.action, screen.purpose is Purpose.UNDO
    if isinstance(action, Choose):
        return "Type the number of your answer"
    if isinstance(action, Tick) and action.asks is not None:
        return "Type the value"
    purpose = {Tick: "when done", Edit: "to open the editor", Wait: "to begin waiting"}.get(type(action), "to run")
    if undo:
        purpose = "when it is taken back" if isinstance(action, Tick) else "to take it back"
    if screen.confirmation is Confirmation.ENTER:
        return f"Enter {purpose}" if purpose == "when done" else f"Press Enter {purpose}"
    word = one_line(screen.word) if screen.confirmation is Confirmation.NAME else "yes"
    return f"Type {word} {purpose}"


def keys_of(screen: Screen) -> list[str]:
    """List the keys that make sense at this step."""
    undo = ["u undo"] if _can_undo(screen) else []
    return ["s skip", "b back", "? why", "o output", *undo, "h hand over", "q stop"]


def other_procedures(procedure: Procedure, step: Step | None = None) -> list[str]:
    """Return the ids of procedures that may fit better, the step's own recovery first."""
    found = [step.if_it_fails.see] if step and step.if_it_fails else []
    found += [reference.see for reference in procedure.not_for]
    return list(dict.fromkeys(one for one in (*found, *procedure.related) if one and one != procedure.id))


# --- parts ------------------------------------------------------------------------------------------------------


def _step_line(screen: Screen, width: int) -> Lines:
    part = "Before step 1" if screen.path.startswith("before/") else "Step"
    numbered = (
        f"{part}, {screen.number} of {screen.total}" if part != "Step" else f"Step {screen.number} of {screen.total}"
    )
    title = one_line(screen.pieces.get("title", screen.step.title))
    minutes = f"about {screen.step.minutes:g} min, " if screen.step.minutes else ""
    clock = Text(f"{minutes}{duration(screen.seconds_so_far)} so far", style="dim")
    left = Text(f"{numbered}   ") + Text(title, style="bold")
    if left.cell_len + 2 + clock.cell_len <= width:
        return both_ends(left, clock, width)
    return [*both_ends(Text(numbered), clock, width), *wrap(title, width, first="  ", style="bold")]


def _warning(screen: Screen, width: int) -> Lines:
    text = screen.pieces.get("warning")
    return wrap(text, width, first="  WARNING: ", style="bold yellow") if text else []


def _body(screen: Screen, width: int) -> list[Block]:
    action, pieces = screen.action, screen.pieces
    if isinstance(action, Choose):
        numbered = enumerate(action.options, start=1)
        return [block(line for number, one in numbered for line in wrap(one.when, width, first=f"  {number:>2}  "))]
    if isinstance(action, Tick):
        text = pieces.get("text", action.text)
        ask = wrap(action.asks.ask, width, first="  Value: ") if action.asks else []
        return [block([] if text == pieces.get("title") else wrap(text, width, first="  "), 1), block(ask)]
    if isinstance(action, Wait):
        return [block(wrap(f"Wait {action.seconds:g} s: {pieces.get('text', action.text)}", width, first="  "), 1)]
    if isinstance(action, Edit):
        check = [Text("  Checked with:"), *command_lines(screen.argv, width)] if screen.argv else []
        return [block(wrap(f"File: {pieces.get('file', action.file)}", width, first="  ")), block(check, 0)]
    return [block(command_lines(screen.argv, width), 2)]


def _labelled(label: str, text: str | None, width: int) -> Lines:
    return wrap(text, width, first=f"  {label} ", rest="      ") if text else []


def _effect(screen: Screen, width: int) -> Lines:
    if not isinstance(screen.action, Command | Sql) and screen.effect is Effect.READS:
        return []
    at = where(screen.target)
    here = screen.judgement is not None and screen.judgement.family is Family.NOTHING
    if screen.effect is Effect.READS:
        text = "Reads only." if here else f"Reads {at}, changes nothing."
        return wrap(text, width, first="  ", style="green")
    if here:
        verb = "DESTROYS files" if screen.effect is Effect.DESTROYS else "WRITES files"
        sentence, style = f"{verb} on this machine, not {at}.", "bold yellow"
    elif screen.effect is Effect.WRITES:
        sentence, style = f"WRITES to {at}.", "bold yellow"
    else:
        sentence, style = f"DESTROYS data on {at}.", "bold red"
    return [*wrap(sentence, width, first="  ", style=style), *_undo(screen, width)]


def _undo(screen: Screen, width: int) -> Lines:
    undo = screen.pieces.get("undo")
    if screen.purpose is Purpose.UNDO or not undo:
        return []
    label = "Undo:" if screen.step.undo and screen.step.undo.action else "No undo:"
    lines = _labelled(label, undo, width)
    return lines[:2] if len(lines) <= 2 else [lines[0], Text("      [more: ? shows all]", style="dim")]


def _earlier(screen: Screen, width: int) -> Lines:
    last = screen.state.step(screen.path).last
    if last is None or last.outcome is None:
        return []
    return wrap(f"It ran before: {last.outcome.value}, {last.started:%H:%M:%S} UTC.", width, first="  ", style="dim")


def _can_undo(screen: Screen) -> bool:
    undo = screen.step.undo
    ran = screen.state.step(screen.path).last is not None
    return bool(undo and undo.action and ran and screen.purpose is Purpose.RUN)


def _policy(screen: Screen) -> str | None:
    judgement = screen.judgement
    if judgement is None or not judgement.reason:
        return None
    return f"{judgement.verdict.value}: {judgement.reason} {judgement.instead}".strip()


def _all_keys(width: int) -> Lines:
    every = ["s skip (asks why)", "b back to the step before", "? this page", "o output so far", "u undo this step"]
    every += ["h hand over", "p go to another procedure", "q stop; the run can be resumed"]
    return keys("Keys at any step:", every, width)
