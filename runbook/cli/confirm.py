"""`runbook confirm`: be the second person for a step that asks for one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from runbook.cli.open_journal import journal_here
from runbook.cli.run_argument import complete_run, find_run
from runbook.cli.run_options import person, require_person
from runbook.errors import ExitCode, PolicyRefusal, UsageError

if TYPE_CHECKING:
    from runbook.engine.state import RunState
    from runbook.journal.events import ConfirmationAsked
    from runbook.journal.interface import StoredJournal

__all__ = ["command"]


@click.command("confirm")
@click.argument("run", required=False, shell_complete=complete_run)
@click.option("--yes", is_flag=True, hidden=True)
@click.pass_obj
def command(book: str | None, run: str | None, yes: bool) -> int:
    """See what somebody else is about to run, and confirm or refuse it.

    Without RUN, it's the one that waits for a second person. You type the code that is on both screens. Nobody can
    confirm a step of their own: the shared journal knows each person by the name under which they log in to it.
    """
    require_person(yes=yes, instead="To only see the run: runbook watch RUN")

    from runbook.engine.second_person import code_of, digest_of
    from runbook.journal.events import ConfirmationGiven, ConfirmationRefused
    from runbook.journal.liveness import this_host
    from runbook.terminal.second_person import ask_second, render_request

    journal = journal_here(book)
    name, state, asked = _asked(journal, run)
    if not journal.role or asked.role == journal.role:
        raise PolicyRefusal(
            f"you can't confirm this step: {asked.operator} asked for it as {asked.role}, and so do you",
            hint="Somebody with another role in the shared journal must confirm it.",
        )
    assert state.target is not None
    if asked.digest != digest_of(name, asked.step, asked.argv, asked.effect, state.target):
        raise PolicyRefusal(
            f"the request in run {name} doesn't belong to what it shows", hint="Don't confirm it. Ask whoever made it."
        )
    answer = ask_second(render_request(asked, state, code_of(asked.digest)), code_of(asked.digest))
    if answer is None:
        click.echo("Left without an answer.")
        return ExitCode.NOT_COMPLETED
    if _asked(journal, name)[2] != asked:
        raise UsageError("the step no longer waits for this confirmation", hint="Nothing was recorded.")
    now, host = datetime.now(UTC), this_host()
    if answer:
        refusal = ConfirmationRefused(
            at=now, step=asked.step, digest=asked.digest, operator=person(), host=host, role=journal.role, reason=answer
        )
        journal.append(name, refusal)
        click.echo(f"Refused. {asked.operator} sees your reason.")
        return ExitCode.REFUSED
    given = ConfirmationGiven(
        at=now, step=asked.step, digest=asked.digest, operator=person(), host=host, role=journal.role
    )
    journal.append(name, given)
    click.echo(f"Confirmed. It runs on {asked.operator}'s machine now. To see it: runbook watch {name}")
    return ExitCode.DONE


def _asked(journal: StoredJournal, run: str | None) -> tuple[str, RunState, ConfirmationAsked]:
    """Return the run that waits for a second person, and what it asks. Raises UsageError if none does."""
    from runbook.engine.state import fold

    held = [holder.run for holder in journal.holders() if not holder.elsewhere]
    for name in [find_run(journal, run)] if run else held:
        state = fold(journal.events(name))
        if state.asked is not None:
            return name, state, state.asked
    raise UsageError("nothing waits for a second person", hint="`runbook status` shows what runs.")
