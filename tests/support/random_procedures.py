"""Generate small random books as plain data that becomes YAML and passes through the loader and the checks.

The author never looks ahead: `dice` decides, and its first option is always the plain one, so that an example that
fails shrinks to something a person can read. All knowledge of how a kind of step is written is in this module.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar
from unittest.mock import patch

from runbook.checks import open_book
from runbook.errors import BookError
from runbook.model import Book
from support.books import POLICY, SUPABASE

__all__ = ["Author", "Dice", "Plan", "all_steps", "captured_names", "edit", "open_plan", "random_plan", "write_shared"]

Record = dict[str, Any]
Plan = dict[str, Record]
"""Procedures as they are written, by id. `p0` includes `p1` and `p2`, `p1` includes `p2`."""

T = TypeVar("T")

_HEAD: Record = {
    "title": "Do a thing",
    "summary": "A thing is done.",
    "section": "before",
    "use_when": ["A thing is to be done"],
    "owner": "database",
    "reviewed": "2026-01-02",
    "review_every": "90d",
    "minutes": 5,
}
_NO_UNDO: Record = {"none": "It can't be undone"}


class Dice(Protocol):
    """Where decisions come from."""

    def choice(self, seq: Sequence[T]) -> T:
        """Return one of them. The first is the plainest."""


# --- from a plan to a book --------------------------------------------------------------------------------------


def write_shared(directory: Path) -> None:
    """Write the files that all books have in common."""
    (directory / "procedures").mkdir(parents=True)
    (directory / "policy.yaml").write_text(POLICY)
    (directory / "supabase.yaml").write_text(SUPABASE)
    (directory / "programs.yaml").write_text("launchers: []\n")


def open_plan(directory: Path, plan: Plan) -> Book | None:
    """Return the book, None if the checks refuse it."""
    for file in (directory / "procedures").iterdir():
        file.unlink()
    for name, record in plan.items():
        (directory / "procedures" / f"{name}.yaml").write_text(_yaml(record))
    try:
        # As if it were the packaged book: it needs no other policy, and reading that for each walk would take as long.
        with patch("runbook.loading.files.PACKAGED_BOOK", directory):
            return open_book(str(directory))
    except BookError:
        return None


def _yaml(record: Record) -> str:
    # JSON is YAML but for two things: a date and a whole number as a key must not be quoted.
    text = json.dumps({**_HEAD, **record}, indent=1)
    return text.replace('"2026-01-02"', "2026-01-02").replace('"2": {', "2: {")


def all_steps(steps: Sequence[Record]) -> Iterator[Record]:
    """Yield the steps, and those within them."""
    for step in steps:
        yield step
        for inner in (step.get("steps", []), *(option.get("steps", []) for option in step.get("choose", []))):
            yield from all_steps(inner)


def captured_names(plan: Plan) -> frozenset[str]:
    """Return all names that some command's output must have a value for."""
    return frozenset(
        name
        for record in plan.values()
        for step in all_steps([*record.get("before", []), *record["steps"]])
        for name in step.get("capture", {})
    )


# --- an author --------------------------------------------------------------------------------------------------


def random_plan(dice: Dice) -> Plan:
    """Return procedures that mostly make sense. The checks decide whether they do."""
    plan: Plan = {}
    for name in ("p2", "p1", "p0")[dice.choice((2, 2, 1, 0)) :]:
        author = Author(dice, name, plan)
        plan[name] = author.procedure()
    return plan


@dataclass
class Author:
    """Writes one procedure, and tracks which names are known where it writes."""

    dice: Dice
    name: str
    plan: Plan
    parameters: Record = field(default_factory=dict)
    count: int = 0
    left: int = 8
    """How many more steps it may write."""

    def procedure(self) -> Record:
        """Return a whole procedure."""
        for _ in range(self.dice.choice((0, 1, 2))):
            self.parameter()
        known = [name for name, one in self.parameters.items() if not one.get("many") and not one.get("secret")]
        record: Record = {}
        if self.name == "p0" and self.dice.choice((False, False, False, True)):
            record["before"] = [self._plain_step(known)]
        record["steps"] = self.steps(known, self.dice.choice((1, 2, 3, 4) if self.name == "p0" else (1, 2)), depth=0)
        text = json.dumps(record)
        unused = [name for name in self.parameters if not re.search(rf"{{{{{name}}}}}|: \"{name}\"", text)]
        record["steps"] += [self._use(name) for name in unused]
        return {"parameters": self.parameters, **record} if self.parameters else record

    def parameter(self, sort: str = "") -> str:
        """Declare one more parameter and return its name."""
        name = f"v{self.name[1]}{len(self.parameters)}"
        sort = sort or self.dice.choice(("text", "text", "many", "pattern", "choices", "default", "empty", "secret"))
        forms: Mapping[str, Record] = {
            "text": {"example": "x"},
            "many": {"example": "a,b", "many": True},
            "pattern": {"example": "x", "pattern": "[a-z]+"},
            "choices": {"choices": ["one", "two"]},
            "default": {"example": "x", "default": "d"},
            "empty": {"example": "x", "default": ""},
            "secret": {"example": "Xq7-zw9", "secret": True},
        }
        self.parameters[name] = {"ask": f"{name}?", **forms[sort]}
        return name

    def steps(self, known: list[str], count: int, *, depth: int) -> list[Record]:
        """Return that many steps, and add to `known` what they capture."""
        return [self.step(known, depth=depth) for _ in range(count) if self.left > 0]

    def step(self, known: list[str], *, depth: int = 0) -> Record:
        """Return one step of any kind."""
        self.left -= 1
        containers = ("choose", "each", *(("include",) * 3 if self.plan else ()))
        kinds = ("look", "change", "change", "tick", "sql", "edit", "wait", *(containers if depth < 2 else ()))
        kind = self.dice.choice(kinds)
        if kind == "choose":
            return self._choose(known, depth)
        if kind == "each":
            return self._each(known, depth)
        if kind == "include":
            return self._include(known)
        if kind == "edit":
            return self._edit(known)
        if kind == "wait":
            return {"id": self._id(), "title": "Wait", "wait": "1s", "for": "the server"}
        return self._plain_step(known) if kind in {"look", "tick"} else self._writing_step(known, kind)

    def _id(self) -> str:
        self.count += 1
        return f"s{self.count}"

    def _word(self, known: Sequence[str]) -> str:
        """Return one word of a command, perhaps with a value in it."""
        if not known or self.dice.choice((True, False)):
            return "x"
        name = self.dice.choice(known)
        if self.dice.choice((False,) * 15 + (True,)):  # which the checks may refuse: it need not be known here
            name = f"k{self.name[1]}s{self.dice.choice(range(1, self.count + 2))}"
        return self.dice.choice((f"{{{{{name}}}}}", f"a-{{{{{name}}}}}"))

    def _capture(self, step: Record, known: list[str], name: str = "") -> None:
        name = name or f"k{self.name[1]}{self._id()}"
        how: Mapping[str, Record] = {"json": {"json": name}, "pattern": {"pattern": rf"{name}=(\S+)"}}
        step["capture"] = {name: how[self.dice.choice(("json", "pattern"))]}
        known.append(name)

    def _plain_step(self, known: list[str]) -> Record:
        """Return a step that reads, or is ticked."""
        step: Record = {"id": self._id()}
        if self.dice.choice(("look", "tick")) == "tick":
            step["tick"] = f"See {self._word(known)}"
            if self.dice.choice((False, True)):
                step["asks"] = self._asked(known)
            return step
        word = self._word(known)
        step |= {"title": "Look", "run": f"git log {word}"}
        self._expect(step, word)
        if self.dice.choice((True, False)):
            self._capture(step, known)
        elif self.dice.choice((False, False, True)):
            step["on_cli"] = {"2": {"tick": "Look at it yourself"}}
        return step

    def _asked(self, known: list[str]) -> Record:
        name = f"k{self.name[1]}{self._id()}"
        known.append(name)
        return {"name": name, "ask": f"{name}?", "example": "x", **self.dice.choice(({}, {"pattern": "[a-z]+"}))}

    def _expect(self, step: Record, word: str) -> None:
        step |= self.dice.choice(({}, {}, {"expect": {"output": word}}, {"expect": {"matches": "ok"}}))

    def _writing_step(self, known: list[str], kind: str) -> Record:
        step: Record = {"id": self._id(), "title": "Change it"}
        here = list(known)
        if kind == "sql":
            step |= {"sql": f"update t set a = '{self._word(known)}' where id = 1", "writes": True}
        elif len(self._secrets()) > 0 and self.dice.choice((True, False)):
            secret = self.dice.choice(self._secrets())
            step |= {"run": "npx supabase secrets set --env-file {{env_file}} {{target}}", "env_file": {"KEY": secret}}
        else:
            step["run"] = f"npx supabase functions deploy {self._word(known)} {{{{target}}}}"
            if self.dice.choice((False, False, True)):
                self._capture(step, here)
        step["undo"] = _NO_UNDO
        self._care(step, here)
        known[:] = here
        return step

    def _care(self, step: Record, here: Sequence[str]) -> None:
        """Add a check, an undo, a budget, another way on CLI 2."""
        if self.dice.choice((False, True)):
            step["verify"] = self._check(here)
        undo = self.dice.choice(("none", "run", "sql", "tick"))
        if undo != "none":
            word = self._word(here)
            ways: Mapping[str, Record] = {
                "run": {"run": f"npx supabase migration new back-{word}"},
                "sql": {"sql": f"delete from t where a = '{word}'", "writes": True},
                "tick": {"tick": f"Take {word} back"},
            }
            step["undo"] = {**ways[undo], **self.dice.choice(({}, {"verify": self._check(here)}))}
        step |= self.dice.choice(({}, {}, {"timeout": "5s"}, {"effect": "destroys"}))
        if "capture" not in step and "env_file" not in step:
            step |= self.dice.choice(({}, {}, {"on_cli": {"2": {"run": "npx supabase migration new two"}}}))

    def _check(self, known: Sequence[str]) -> Record:
        word = self._word(known)
        step: Record = {"run": f"git log check {word}"}
        self._expect(step, word)
        return step

    def _secrets(self) -> list[str]:
        return [name for name, one in self.parameters.items() if one.get("secret")]

    def _edit(self, known: list[str]) -> Record:
        edit: Record = {"file": f"f{self._id()}.sql"}
        edit |= self.dice.choice(
            (
                {"template": f"select '{self._word(known)}';\n"},
                {"git": {"revision": "HEAD", "path": "old.sql"}},
            )
        )
        edit |= self.dice.choice(({}, {"check": f"git log file {self._word(known)}"}))
        return {"id": self._id(), "title": "Write it", "edit": edit}

    def _choose(self, known: list[str], depth: int) -> Record:
        step: Record = {"id": self._id(), "title": "Which?"}
        shared = f"k{self.name[1]}{self._id()}" if self.dice.choice((False, False, True)) else ""
        options = []
        for when in ("yes", "no"):
            inner = list(known)
            steps = self.steps(inner, self.dice.choice((1, 0, 2)), depth=depth + 1)
            if shared:
                look: Record = {"id": self._id(), "title": "Look", "run": "git log shared"}
                self._capture(look, inner, shared)
                steps.append(look)
            options.append({"when": when, "steps": steps})
        if shared:
            known.append(shared)
        return {**step, "choose": options}

    def _each(self, known: list[str], depth: int) -> Record:
        lists = [name for name, one in self.parameters.items() if one.get("many")]
        over = self.dice.choice(lists) if lists else self.parameter("many")
        name = f"e{self.name[1]}{self._id()}"
        inner = [*known, name]
        steps = self.steps(inner, self.dice.choice((1, 2)), depth=depth + 1)
        steps = steps or [{"id": self._id(), "title": "Look", "run": f"git log {{{{{name}}}}}"}]
        return {"id": self._id(), "title": "Each", "each": over, "as": name, "steps": steps}

    def _include(self, known: Sequence[str]) -> Record:
        inner = self.dice.choice(tuple(self.plan))
        step: Record = {"id": self._id(), "title": "The rest", "include": inner}
        bound = {
            name: self.bind(one, known)
            for name, one in self.plan[inner].get("parameters", {}).items()
            if "default" not in one or self.dice.choice((True, False))
        }
        return {**step, "with": bound} if bound else step

    def bind(self, parameter: Record, known: Sequence[str]) -> str:
        """Return the value of an included procedure's parameter."""
        for sort in ("many", "secret"):
            if parameter.get(sort):
                alike = [name for name, one in self.parameters.items() if one.get(sort)]
                name = self.dice.choice(alike) if alike else self.parameter(sort)
                return f"{{{{{name}}}}}"
        first = self._word(known)
        return first if self.dice.choice((True, True, False)) else f"{first}-{self._word(known)}"

    def _use(self, name: str) -> Record:
        """Return a step that uses a parameter: one that fills nothing is refused."""
        step: Record = {"id": self._id(), "title": "Use it"}
        if self.parameters[name].get("many"):
            inner: Record = {"id": self._id(), "title": "Look", "run": f"git log {{{{e{name}}}}}"}
            return {**step, "each": name, "as": f"e{name}", "steps": [inner]}
        if self.parameters[name].get("secret"):
            run = "npx supabase secrets set --env-file {{env_file}} {{target}}"
            return {**step, "run": run, "env_file": {"KEY": name}, "undo": _NO_UNDO}
        return {**step, "run": f"git log use-{{{{{name}}}}}"}


# --- an editor --------------------------------------------------------------------------------------------------


def edit(dice: Dice, plan: Plan, number: int) -> Plan:
    """Return the plan as somebody changed it while a run stood still; `number` keeps its new names apart."""
    changed = copy.deepcopy(plan)
    name = dice.choice(tuple(reversed(changed)))
    record = changed[name]
    includes = [step for step in all_steps(record["steps"]) if step.get("with")]
    what = dice.choice(("add", "parameter", "list", "remove", "rename", *(("with",) * 2 if includes else ())))
    steps, index = record["steps"], dice.choice(range(len(record["steps"]) + 1))
    author = Author(dice, name, {}, parameters=dict(record.get("parameters", {})), count=100 * number, left=2)
    if what == "add":
        steps.insert(index, author.step([]))
    elif what in {"parameter", "list"}:
        new = author.parameter("many" if what == "list" else dice.choice(("text", "pattern", "default", "choices")))
        steps.insert(index, author._use(new))
        _give_it(dice, changed, name, new, author.parameters[new])
    elif what == "remove" and len(steps) > 1:
        del steps[min(index, len(steps) - 1)]
    elif what == "rename":
        steps[min(index, len(steps) - 1)]["id"] = author._id()
    elif what == "with":
        values = dice.choice(includes)["with"]
        key = dice.choice(tuple(values))
        if values[key].strip("{}") not in record.get("parameters", {}):
            values[key] = dice.choice(("literal", f"other-{values[key]}"))
    if author.parameters:
        record["parameters"] = author.parameters
    return changed


def _give_it(dice: Dice, plan: Plan, name: str, new: str, parameter: Record) -> None:
    """Give a new parameter a value wherever its procedure is included."""
    for outer, record in plan.items():
        for step in all_steps(record["steps"]):
            if step.get("include") == name and "default" not in parameter:
                author = Author(dice, outer, {}, parameters=record.setdefault("parameters", {}))
                names = [one for one, form in author.parameters.items() if not form.get("many")]
                step.setdefault("with", {})[new] = author.bind(parameter, names)
