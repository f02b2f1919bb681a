"""Walk a small procedure with a person's terminal and nothing else real: `python -m support.walking NAME SCRATCH`.

Prints `ENDED code` and `RAN [[argv], …]` at its end.
"""

from __future__ import annotations

import json
import select
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from runbook.errors import RunbookError
from runbook.journal.interface import Holder
from runbook.loading import PACKAGED_BOOK, read_book
from runbook.model import Procedure, Recovery, Undo
from runbook.runtime.executor import SystemClock
from runbook.steps.edit import Edit
from runbook.steps.tick import Tick
from runbook.steps.wait import Wait
from runbook.terminal import TerminalOperator
from support.walks import (
    INTERRUPTED,
    FakeExecutor,
    FakeOperator,
    FakeTarget,
    Walked,
    book,
    check,
    choose,
    command,
    ended,
    parameter,
    procedure,
    step,
    tick,
)

__all__ = ["main"]

BROKEN = ended(1, "ERROR: it is broken")
PUSHED = "Target: project standin\nApplying migration 20260110000000_x.sql...\n"
LONG_FUNCTION = (
    "create function public.long() returns int language plpgsql as $$\nbegin\n"
    + "".join(f"  perform {number};\n" for number in range(200))
    + "en;\n^\nTry rerunning the command with --debug to troubleshoot the error."
)
"""What the CLI prints behind an error: the whole statement, here of more than 200 lines."""


def _procedures() -> Mapping[str, Procedure]:
    one = step("first", "look one")
    return {
        "write": procedure(step("apply", "change it", undo=Undo(action=command("change back")))),
        "destroy": procedure(step("drop", "destroy it")),
        "read": procedure(one, step("second", "look two", look_for="Two rows."), step("third", "look three")),
        "slow": procedure(step("first", "look slow"), step("second", "look two", look_for="Two rows.")),
        "tick": procedure(step("rate", Tick("Look", asks=parameter("rate", pattern="[0-9]+|q")))),
        "choose": procedure(choose("what", left=[tick("l")], right=[one])),
        "edit": procedure(step("write", Edit(file="new.sql", template="select 1;\n"))),
        "wait": procedure(step("settle", Wait(60, "things to settle"))),
        "fail": procedure(
            step("apply", "change it", if_it_fails=Recovery("Wait a minute."), undo=Undo(action=command("change back")))
        ),
        "push": procedure(
            step(
                "apply",
                "npx supabase db push",
                if_it_fails=Recovery("The table has other columns."),
                verify=check("look at"),
            )
        ),
        "check": procedure(step("apply", "change it", verify=check("look at", output="there"))),
        "lost": procedure(step("apply", "change it", verify=check("look at"))),
        "cut": procedure(step("apply", "change it", verify=check("look at"))),
        "secret": procedure(one, parameters=[parameter("token", secret=True)]),
        "value": procedure(one, parameters=[parameter("table", pattern="[a-z]+", default="tasks")]),
        "switch": replace(procedure(tick("one")), related=("other",)),
        "long": procedure(one, tick("second")),
        "held": procedure(one),
        "keys": procedure(
            one,
            step("apply", "change it", title="Apply the change", undo=Undo(action=Tick("Delete new.sql"))),
            step("where", Tick("Look", asks=parameter("where", pick="functions"))),
            choose("what", left=[tick("l")], right=[one]),
            step("more", "change more", title="Apply the rest"),
            step("seen", Tick("Use it", asks=parameter("seen", pattern=".{2,99}"))),
        ),
    }


_ENDINGS: Mapping[str, dict[str, Any]] = {
    "fail": {"change it": [BROKEN, ended()]},
    "push": {
        "npx supabase db push": [
            ended(
                1, PUSHED + 'ERROR: syntax error at or near "en" (SQLSTATE 42601)\nAt statement: 0\n' + LONG_FUNCTION
            ),
            ended(1, "◇  Apply 1 migration?\n│  No\ncontext canceled"),
        ]
    },
    "check": {"look at": [ended(0, "nothing"), ended(0, "nothing"), ended(0, "it is there")]},
    "lost": {"change it": ended(1, "Connection terminated"), "look at": ended()},
    "cut": {"change it": [INTERRUPTED, ended()], "look at": ended()},
    "keys": {
        "look own": ended(0, "\n".join(f"row {number}" for number in range(60))),
        "change own": ended(1, "ERROR: it is broken"),
    },
    "slow": {"look slow": lambda _: ended(0, str(select.select([sys.stdin], [], [])))},
    "long": {"look one": ended(0, "\n".join(f"row {number}" for number in range(60)))},
}


def main(name: str, directory: str) -> int:
    """Walk and return the exit code."""
    project = Path(directory)
    other = replace(procedure(tick("elsewhere"), name="other"), title="Something else")
    # Only a walk with a failure looks for known errors. To read the packaged book takes as long as to walk.
    errors = read_book(PACKAGED_BOOK).errors if name in _ENDINGS else ()
    walked = Walked(
        book=replace(book(replace(_procedures()[name], id="fix"), other), errors=errors),
        scratch=project / "scratch",
        operator=cast("FakeOperator", TerminalOperator(titles={"other": "Something else"})),
        executor=FakeExecutor(dict(_ENDINGS.get(name, {}))),
        target=FakeTarget(directory=directory),
        clock=cast("Any", SystemClock()),
    )
    if name == "keys":
        (project / "supabase/functions/complete-task").mkdir(parents=True)
    if name == "held":
        now = SystemClock().now()
        walked.journal.hold(
            "production:qwertyuiopasdfghjklz",
            Holder(run="theirs", procedure="fix", operator="bo", host="there", pid=9, since=now),
        )
    try:
        code = int(walked.begin())
    except (RunbookError, KeyboardInterrupt, EOFError) as error:
        code = 130 if isinstance(error, KeyboardInterrupt) else 1
        _say(f"RAISED {error}")
    _say(f"ENDED {code}")
    _say(f"RAN {json.dumps(walked.executor.ran)}")
    return code


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], sys.argv[2]))
