"""Where the commands of a run go, proven by asking the Supabase CLI itself."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from runbook.engine.ports import Execution
from runbook.errors import MissingPartError, PolicyRefusal, RunbookError, UsageError
from runbook.filling import TARGET, fill_command, target_words
from runbook.journal.events import TargetSeen
from runbook.model import Policy, TargetKind, Team
from runbook.policy.redaction import hide_known
from runbook.printable import lines_of
from runbook.runtime.environment import (
    Remedy,
    child_environment,
    find_traps,
    left_out_of_path,
    settled_environment,
)
from runbook.runtime.programs import Program, Programs, is_supabase
from runbook.runtime.project import api_port, dotenv_texts, installed_version, linked_ref
from runbook.runtime.reported_target import reported_target
from runbook.runtime.subprocesses import Answer, ask

__all__ = ["CliTarget"]

_VERSION = re.compile(r"\b(\d+\.\d+\.\d+\S*)")
_LIST = ("npx", "supabase", "migration", "list", TARGET, "--output-format", "json")
_VERSION_QUESTION = ("npx", "--no-install", "supabase", "--version")
"""Without `--no-install`, npx would fetch the newest release from the network, which isn't the project's."""
_WHO = ("npx", "supabase", "whoami", "--output-format", "json")
_NOT_SIGNED_IN = "Nobody is signed in here. Leave (q), then run `npx supabase login`."
_FIRST_TELLING_MAJOR = 3
"""From this major on the CLI's JSON says where a command landed."""


class AskCommand(Protocol):
    """Runs a command that only answers a question."""

    def __call__(self, argv: Sequence[str], *, directory: str, environment: Mapping[str, str]) -> Answer: ...


class CliTarget:
    """The project linked in a directory, or the local stack; implements `runbook.engine.ports.Target`."""

    def __init__(  # noqa: PLR0913 - each by its name
        self,
        directory: str | Path,
        kind: TargetKind,
        policy: Policy,
        *,
        team: Team | None = None,
        run: AskCommand = ask,
        environ: Callable[[], Mapping[str, str]] = lambda: os.environ,
        programs: Programs | None = None,
    ) -> None:
        self._directory = Path(directory)
        self._kind = kind
        self._policy = policy
        self._team = team
        self._run = run
        self._environ = environ
        self._programs = programs or Programs()
        self._notes: list[str] = []
        self._proven_ref = ""
        self._files: Mapping[str, str] = {}

    @property
    def directory(self) -> str:
        """The Supabase project's directory, where commands run."""
        return str(self._directory)

    def environment(self) -> Mapping[str, str]:
        """Return the settings that the CLI must not look up by itself."""
        return settled_environment(self.directory)

    def notes(self) -> tuple[str, ...]:
        """Return what the operator must know about the environment, in sentences, once the target is proven."""
        return tuple(self._notes)

    def prove(self) -> TargetSeen:
        """Ask the CLI what the target is. Raises RunbookError if it can't tell or if its major is unknown.

        Raises PolicyRefusal if the team's file doesn't know the project.
        """
        self._notes = []
        self._proven_ref = "" if self._kind is TargetKind.LOCAL else self._linked_ref()
        self._look_up_project()
        self._files = self._deciding_files()
        # Before the first command, because anything that leads the CLI elsewhere would do the same to this question.
        self._look_for_traps()
        return self._see(self._ask_version())

    def recheck(self, seen: TargetSeen) -> TargetSeen:
        """Prove the target again, right before a write: the link, files, programs, and on CLI 3 what the CLI says."""
        try:
            self._look_for_traps()
        except UsageError as trap:  # the engine takes a usage error for a value that doesn't fit
            raise RunbookError(trap.message, hint=trap.hint) from trap
        self._compare_files()
        self._programs.check()
        if self._proven_ref and (linked := linked_ref(self._directory)) != self._proven_ref:
            return replace(seen, name=linked, project_ref=linked)  # the engine compares and shows the difference
        return self._see(installed_version(self._directory) or self._ask_version())

    def contradicts(self, argv: Sequence[str], ended: Execution) -> str:
        """Return the target that a command reports, if it is another one; "" if it isn't, or if none is reported."""
        # On production, a command may be meant for the local stack; a command for the project has a flag.
        is_remote = any(word.split("=")[0] in self._policy.remote_flags for word in argv)
        reported = reported_target(ended) if is_supabase(argv) and is_remote == bool(self._proven_ref) else ""
        return "" if reported == (self._proven_ref or "local") else reported

    def words(self, argv_template: Sequence[str], major: int) -> tuple[str, ...]:
        """Return the words that `{{target}}` stands for in that command."""
        # The proven ref, not the current link: switching the link must not change a command.
        names = {"project_ref": self._proven_ref or self._linked_ref()}
        return target_words(argv_template, policy=self._policy, major=major, kind=self._kind, names=names)

    def functions_url(self) -> str:
        """Return where edge functions are called: the hosted project's address, or the local stack's port.

        Raises UsageError if no project is linked, or if supabase/config.toml can't be read.
        """
        local = self._kind is TargetKind.LOCAL
        ref = "" if local else self._proven_ref or self._linked_ref()
        host = f"http://127.0.0.1:{api_port(self._directory)}" if local else f"https://{ref}.supabase.co"
        return f"{host}/functions/v1"

    # --- asking ---------------------------------------------------------------------------------------------------

    def _see(self, version: str) -> TargetSeen:
        major = int(version.split(".", maxsplit=1)[0])
        if major not in self._policy.majors:
            known = " and ".join(f"{one.major}.x ({one.proven})" for one in self._policy.majors.values())
            raise RunbookError(
                f"this book doesn't support Supabase CLI {version}: its commands may behave differently",
                hint=f"It supports {known}. Pin one of these, or use a book that supports {major}.x.",
            )
        self._compare_pin(version)
        found = self._program(_VERSION_QUESTION)
        program = self._programs.digest(found) if found.is_cli else ""
        if self._kind is TargetKind.LOCAL:
            return TargetSeen(kind=self._kind.value, name="local", cli=version, program=program)
        ref = self._proven_ref
        environment = "" if major < _FIRST_TELLING_MAJOR else self._ask_environment(ref, major)
        return TargetSeen(self._kind.value, ref, version, environment, project_ref=ref, program=program)

    def _ask_version(self) -> str:
        answer = self._ask(_VERSION_QUESTION)
        found = _VERSION.search(answer.stdout)
        if answer.code == 0 and found:
            return found[1]
        why = "" if "missing packages" in answer.stderr else f": {_last_line(answer)}"
        proven = self._policy.majors[max(self._policy.majors)].proven if self._policy.majors else "latest"
        raise MissingPartError(
            f"the Supabase CLI isn't installed in {self._directory}{why}",
            hint=f"Pin it: npm install --save-dev --save-exact supabase@{proven}",
        )

    def _linked_ref(self) -> str:
        ref = linked_ref(self._directory)
        if not ref:
            hint = "Link it: npx supabase link --project-ref REF"
            raise UsageError(f"no project is linked in {self._directory}", hint=hint)
        return ref

    def _look_up_project(self) -> None:
        if self._team is None or not self._proven_ref:
            return
        project = self._team.project_of(self._proven_ref)
        if project is None:
            known = ", ".join(f"{each.name} ({each.ref})" for each in self._team.projects.values())
            raise PolicyRefusal(
                f"{self._directory} is linked to {self._proven_ref}, which {self._team.at.file} doesn't know",
                hint=f"It knows {known}. Link one of these, or add the project to that file.",
            )
        facts = [f"This is {project.name} of {self._team.name}", project.region]
        writers = f" Writers: {', '.join(project.writers)}." if project.writers else ""
        self._note(f"{', '.join(fact for fact in facts if fact)}.{writers}")

    def _compare_pin(self, version: str) -> None:
        pinned = self._team.cli if self._team else ""
        if pinned and pinned != version:
            self._note(f"Your team pins Supabase CLI {pinned}, and this project has {version}.")

    def _ask_environment(self, ref: str, major: int) -> str:
        """Return what the CLI calls the project. Raises RunbookError if that isn't the linked one."""
        argv = fill_command(_LIST, {}, target=self.words(_LIST, major))
        answer = self._ask(argv)
        target = _json_part(answer, "target")
        if not isinstance(target, Mapping):
            what = f"the CLI doesn't say where commands go: {_last_line(answer)}"
            raise RunbookError(what, hint=f"Try it: {' '.join(argv)}")
        told = str(target.get("project_ref", target.get("kind", "something else")))
        if told != ref:
            raise RunbookError(f"the CLI would go to {told}, but {self._directory} is linked to {ref}")
        # The target is still proven; the procedure's steps decide whether the database must answer.
        if answer.code != 0:
            said = _json_part(answer, "error", "message") or _last_line(answer)
            self._note(_NOT_SIGNED_IN if self._nobody_is_signed_in() else f"The database didn't answer the CLI: {said}")
        return str(target.get("environment", ""))

    def _nobody_is_signed_in(self) -> bool:
        """Ask the CLI whether it has an access token. Without one, its database commands blame other causes."""
        said = _json_part(self._ask(_WHO), "error", "code")
        return said == "AccessTokenRequiredError"

    def _ask(self, argv: Sequence[str]) -> Answer:
        started = self._program(argv).argv(argv)
        return self._run(started, directory=self.directory, environment=self._environment())

    def _program(self, argv: Sequence[str]) -> Program:
        return self._programs.find(argv, directory=self.directory, path=self._environment()["PATH"])

    def _environment(self) -> dict[str, str]:
        return child_environment(self._environ(), self.environment(), is_cli=True)

    # --- what may change meanwhile --------------------------------------------------------------------------------

    def _deciding_files(self) -> dict[str, str]:
        """Return the digests of the files that decide where commands go and what the CLI asks."""
        texts = dotenv_texts(self._directory)
        if self._kind is TargetKind.LOCAL:
            file = self._directory / "supabase" / "config.toml"  # it has the local stack's ports
            texts[str(file)] = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
        return {path: sha256(text.encode()).hexdigest() for path, text in texts.items()}

    def _compare_files(self) -> None:
        before, now = self._files, self._deciding_files()
        changed = [path for path in sorted({*before, *now}) if before.get(path) != now.get(path)]
        if changed:
            raise RunbookError(
                "\n".join(f"{path} {_how(path, before, now)} since the target was proven" for path in changed),
                hint="Nothing ran, because the CLI reads this. Check it; `runbook resume` proves the target again.",
            )

    def _look_for_traps(self) -> None:
        environ = self._environ()
        traps = find_traps(environ, dotenv_texts(self._directory), linked=self._proven_ref)
        refused = [trap for trap in traps if trap.remedy is Remedy.REFUSE]
        if refused:
            raise UsageError(
                "\n".join(f"{trap.name} is set in {trap.where}: {trap.why}" for trap in refused),
                hint="The CLI reads these files by itself. Remove the lines, then start again.",
            )
        # One note per reason: a coding agent's shell sets half a dozen of these at once.
        reasons: dict[str, list[str]] = {}
        for trap in traps:
            reasons.setdefault(trap.why, []).append(trap.name)
        for why, names in reasons.items():
            self._note(f"{', '.join(names)} is set here, but commands won't get it: {why}.")
        if unsafe := left_out_of_path(environ.get("PATH", "")):
            self._note(f"PATH has {', '.join(unsafe)}. Commands aren't looked up there: others could add one.")

    def _note(self, text: str) -> None:
        text = hide_known(text)
        if text not in self._notes:
            self._notes.append(text)


def _how(path: str, before: Mapping[str, str], now: Mapping[str, str]) -> str:
    if path not in now:
        return "was deleted"
    return "changed" if path in before else "was added"


def _json_part(answer: Answer, *keys: str) -> object:
    """Return the value under these keys in the document on stdout, or None."""
    try:
        found: Any = json.loads(answer.stdout)
        for key in keys:
            found = found[key]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return found


def _last_line(answer: Answer) -> str:
    lines = [line.strip() for line in lines_of(answer.stderr or answer.stdout) if line.strip()]
    return lines[-1] if lines else f"exit code {answer.code}, no output"
