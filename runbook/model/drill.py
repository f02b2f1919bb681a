"""What a drill starts from, what its unattended operator answers, and what must hold at its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Answer", "Drill", "FunctionResponse", "Proof", "Scenario", "ScenarioEvent", "ScenarioMigration"]

Answer = str | tuple[str, ...]
"""A parameter's value, the `when` of an option, a value seen in a tick, or the text of an edited file."""


@dataclass(frozen=True, slots=True)
class ScenarioMigration:
    """A migration file of the scratch project. `state` is `applied`, `pending`, `edited`, `missing` or `half`."""

    name: str
    sql: str
    state: str = "applied"


@dataclass(frozen=True, slots=True)
class ScenarioEvent:
    """Something that happens during the walk, as a step (its id or path; `start`: before the first) starts.

    `what` is what the key of its kind says: `before` or `after`, a colleague's name, a regular expression over
    requests, a statement, an edge function or a file. `turn` is the one start of the step at which it happens.
    """

    at: str
    kind: str
    what: str
    turn: int | None = None
    status: int | None = None
    delay: float = 0
    """Seconds."""
    times: int = 1
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionResponse:
    """What a deployed edge function answers to a call.

    It is the answer of one `version`, or of every version whose source holds the text `source`; with neither, of any.
    `body` is a text, or lists and mappings that are sent as JSON.
    """

    version: int | None = None
    source: str = ""
    status: int = 200
    body: object = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0
    """Seconds before the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What is so before the walk, on top of the scratch project's own schema and rows.

    `seed` statements run on the database after the migrations; `functions` maps an edge function's name to its
    source in the working tree, `earlier` to that in the commit before the newest; `deployed` those on the platform
    before the walk, and `responses` what their versions answer: of a function's responses, the first that fits the
    live version; `hold` is a statement that another session runs in an open transaction; `platform` is read by the
    platform's stand-in.
    """

    migrations: tuple[ScenarioMigration, ...] = ()
    seed: tuple[str, ...] = ()
    traffic: tuple[str, ...] = ()
    """What the app then tries: a statement that fails leaves its error in the database's log."""
    hold: str | None = None
    functions: Mapping[str, str] = field(default_factory=dict)
    earlier: Mapping[str, str] = field(default_factory=dict)
    deployed: Mapping[str, str] = field(default_factory=dict)
    responses: Mapping[str, tuple[FunctionResponse, ...]] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    platform: Mapping[str, object] = field(default_factory=dict)
    events: tuple[ScenarioEvent, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One thing that must hold after the walk; exactly one of the parts is set.

    `sql` with `equals` (the first column of the first row, as text); `history` the names of the migrations that
    production must have, in order; `function` (a name) with `equals` its version, and a text that its `source` on the
    platform holds; `secret` (a name) that must be
    set; `request` a regular expression over the `METHOD path` lines of requests to the platform and calls of
    its functions (`POST /functions/v1/NAME`), which must (`equals: "yes"`) or must not (`equals: "no"`) be there.
    """

    text: str
    sql: str | None = None
    history: tuple[str, ...] | None = None
    function: str | None = None
    source: str | None = None
    secret: str | None = None
    request: str | None = None
    checked: tuple[str, ...] | None = None
    """Steps (ids, or paths) whose expectation or check compared something, and held: the page's own safety nets."""
    walked: tuple[str, ...] | None = None
    """Steps (ids, or paths) that the walk must have done, in this order: also those that prove nothing themselves."""
    equals: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """A rehearsal of one way through a procedure on a throwaway target.

    `reactions` is what the unattended operator does when a step (by its id) fails or its end is unknown: `retry`,
    `skip: why`, `undo`, `back`, `probe`, `done`, `redo`, `stop`, or the id of another procedure after `switch:`.
    `ends` is how the walk must end: `done`, `stopped` or `held` (somebody else took the target over).
    """

    name: str
    briefing: str
    scenario: Scenario
    answers: Mapping[str, Answer]
    prove: tuple[Proof, ...]
    reactions: Mapping[str, Answer] = field(default_factory=dict)
    ends: str = "done"
    practice: bool = True
    """False where the drill's own answers make the mistake: there is nothing in it for a person to practise."""
    loses: tuple[str, ...] = ()
    """What the walk takes away on purpose, as `runbook.drill.proofs` names it. All other losses fail the drill."""
