"""Where the commands of a run go, proven by asking the Supabase CLI itself."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from runbook.errors import MissingPartError, RunbookError, UsageError
from runbook.filling import TARGET, fill_command, target_words
from runbook.journal.events import TargetSeen
from runbook.model import Policy, TargetKind
from runbook.runtime.capture import Answer, ask
from runbook.runtime.environment import child_environment
from runbook.runtime.environment_hazards import Remedy, Trap, find_traps
from runbook.runtime.project import api_port, dotenv_texts, installed_version, linked_ref

__all__ = ["CliTarget"]

_VERSION = re.compile(r"\b(\d+\.\d+\.\d+\S*)")
_LIST = ("npx", "supabase", "migration", "list", TARGET, "--output-format", "json")
_NOT_FOUND = 127
_FIRST_TELLING_MAJOR = 3
"""From this major on the CLI's JSON says where a command landed."""


class Ask(Protocol):
    """Runs a command that only answers a question."""

    def __call__(self, argv: Sequence[str], *, directory: str, environment: Mapping[str, str]) -> Answer: ...


class CliTarget:
    """The project that is linked in a directory, or the local stack, as `runbook.engine.ports.Target` wants it."""

    def __init__(
        self,
        directory: str | Path,
        kind: TargetKind,
        policy: Policy,
        *,
        run: Ask = ask,
        environ: Callable[[], Mapping[str, str]] = lambda: os.environ,
    ) -> None:
        self._directory = Path(directory)
        self._kind = kind
        self._policy = policy
        self._run = run
        self._environ = environ
        self._notes: list[str] = []

    @property
    def directory(self) -> str:
        """The Supabase project's directory, where commands run."""
        return str(self._directory)

    def environment(self) -> Mapping[str, str]:
        """Return nothing: commands get this process's own environment, without its traps."""
        return {}

    def notes(self) -> tuple[str, ...]:
        """Return what the operator must know of the surroundings, in sentences, once the target was proven."""
        return tuple(self._notes)

    def prove(self) -> TargetSeen:
        """Ask the CLI what the target is. Raises RunbookError if that can't be told or the CLI's major is unknown."""
        self._notes = []
        self._look_for_traps()
        return self._see(self._ask_version())

    def recheck(self, seen: TargetSeen) -> TargetSeen:
        """Prove it again, right before a write: the installed version, the link, and on CLI 3 what the CLI says."""
        del seen  # the walk compares
        return self._see(installed_version(self._directory) or self._ask_version())

    def words(self, argv_template: Sequence[str], major: int) -> tuple[str, ...]:
        """Return the words that `{{target}}` stands for in that command."""
        return target_words(
            argv_template, policy=self._policy, major=major, kind=self._kind, names={"project_ref": self._ref()}
        )

    def functions_url(self) -> str:
        """Return where edge functions are called: the hosted project's address, or the local stack's port.

        Raises UsageError if no project is linked, or if supabase/config.toml can't be read.
        """
        local = self._kind is TargetKind.LOCAL
        host = f"http://127.0.0.1:{api_port(self._directory)}" if local else f"https://{self._ref()}.supabase.co"
        return f"{host}/functions/v1"

    # --- asking ---------------------------------------------------------------------------------------------------

    def _see(self, version: str) -> TargetSeen:
        major = self._known_major(version)
        if self._kind is TargetKind.LOCAL:
            return TargetSeen(kind=self._kind.value, name="local", cli=version)
        ref = self._ref()
        seen = TargetSeen(kind=self._kind.value, name=ref, cli=version, project_ref=ref)
        return seen if major < _FIRST_TELLING_MAJOR else replace(seen, environment=self._ask_environment(ref, major))

    def _ask_version(self) -> str:
        answer = self._ask(("npx", "--no-install", "supabase", "--version"))
        found = _VERSION.search(answer.stdout)
        if answer.code == 0 and found:
            return found[1]
        if answer.code == _NOT_FOUND:
            raise MissingPartError("npx is not on PATH", hint="It comes with Node.js: install Node.js 20 or newer.")
        why = "" if "missing packages" in answer.stderr else f": {_last_line(answer)}"
        proven = self._policy.majors[max(self._policy.majors)].proven if self._policy.majors else "latest"
        raise MissingPartError(
            f"the Supabase CLI is not installed in {self._directory}{why}",
            hint=f"Pin it: npm install --save-dev --save-exact supabase@{proven}",
        )

    def _known_major(self, version: str) -> int:
        major = int(version.split(".", maxsplit=1)[0])
        if major in self._policy.majors:
            return major
        known = " and ".join(f"{one.major}.x ({one.proven})" for one in self._policy.majors.values())
        raise RunbookError(
            f"this book does not know Supabase CLI {version}: what its commands do may have changed",
            hint=f"It knows {known}. Pin one of these, or bring a book that knows {major}.x.",
        )

    def _ref(self) -> str:
        ref = linked_ref(self._directory)
        if not ref:
            raise UsageError(
                f"no project is linked in {self._directory}", hint="Link it: npx supabase link --project-ref REF"
            )
        return ref

    def _ask_environment(self, ref: str, major: int) -> str:
        """Return what the CLI calls the project; raises RunbookError if it means another one than is linked."""
        argv = fill_command(_LIST, {}, target=self.words(_LIST, major))
        answer = self._ask(argv)
        target = _target_in(answer.stdout)
        if target is None:
            raise RunbookError(
                f"the CLI does not say where commands go: {_last_line(answer)}",
                hint=f"Try it: {' '.join(argv)}",
            )
        told = str(target.get("project_ref", target.get("kind", "something else")))
        if told != ref:
            raise RunbookError(f"the CLI would go to {told}, and {self._directory} is linked to {ref}")
        if answer.code != 0:
            self._note(f"The database did not answer the CLI: {_message_in(answer)}")
        return str(target.get("environment", ""))

    def _ask(self, argv: Sequence[str]) -> Answer:
        return self._run(argv, directory=str(self._directory), environment=child_environment(self._environ(), {}))

    # --- traps ----------------------------------------------------------------------------------------------------

    def _look_for_traps(self) -> None:
        linked = "" if self._kind is TargetKind.LOCAL else linked_ref(self._directory)
        traps = find_traps(self._environ(), dotenv_texts(self._directory), linked=linked)
        refused = [trap for trap in traps if trap.remedy is Remedy.REFUSE]
        if refused:
            raise UsageError(
                "\n".join(f"{trap.name} is set in {trap.where}: {trap.why}" for trap in refused),
                hint="The CLI reads these files by itself. Take the lines out, then start again.",
            )
        self._note_removed(traps)

    def _note_removed(self, traps: Sequence[Trap]) -> None:
        reasons: dict[str, list[str]] = {}
        for trap in traps:
            reasons.setdefault(trap.why, []).append(trap.name)
        for why, names in reasons.items():
            self._note(f"{', '.join(names)} is set here, and commands will not get it: {why}.")

    def _note(self, text: str) -> None:
        if text not in self._notes:
            self._notes.append(text)


def _target_in(document: str) -> Mapping[str, object] | None:
    try:
        target = json.loads(document)["target"]
    except (ValueError, KeyError, TypeError):
        return None
    return target if isinstance(target, Mapping) else None


def _message_in(answer: Answer) -> str:
    try:
        return str(json.loads(answer.stdout)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return _last_line(answer)


def _last_line(answer: Answer) -> str:
    lines = [line.strip() for line in (answer.stderr or answer.stdout).splitlines() if line.strip()]
    return lines[-1] if lines else f"exit code {answer.code}, no output"
