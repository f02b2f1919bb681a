"""Ask installed Supabase CLIs about themselves: the only place in this package that starts processes.

The CLIs only print help and refuse flags. They run in an empty directory with an empty home, without a token and
without a network: even a CLI that accepted a made-up flag would find no project to change.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from runbook.audit.manual import CliFlag, Help, Tree, read_completions, read_help
from runbook.errors import RunbookError
from runbook.runtime.environment import isolated_environment
from runbook.runtime.toolchain import CliPackage, node_directory

__all__ = ["Asker", "Progress", "open_asker"]

Progress = Callable[[int, int], None]
"""Called with the number of questions answered, and of how many so far."""

_AT_ONCE = 2
"""Each call is a second of one core."""
_LONGEST = 120
"""Seconds for one answer on a busy machine."""
_CLOSED = "http://127.0.0.1:9"
_EXPERIMENTS = {"SUPABASE_EXPERIMENTAL_COMPUTE": "1", "SUPABASE_EXPERIMENTAL_STACK": "1"}
_MADE_UP = "--no-such-flag-exists"
_UNRECOGNIZED = re.compile(r"Unrecognized flag: (-[\w-]+)")
_MISSING_VALUE = re.compile(r"Missing value for flag (-[\w-]+)")

_Words = tuple[str, ...]


@dataclass(slots=True)
class Asker:
    """Asks questions, two at a time."""

    home: Path
    progress: Progress
    asked: int = 0
    answered: int = 0
    experiments: set[tuple[CliPackage, _Words]] = field(default_factory=set)
    """Commands that exist only if experiments are enabled."""

    def trees(self, packages: Sequence[CliPackage]) -> list[Tree]:
        """Return each CLI's commands, including experiments. Raises RunbookError if one prints no completion script."""
        words = ("--completions", "fish")
        # Twice, because the difference shows which commands are experiments.
        plain = self._ask([(package, words) for package in packages])
        whole = self._ask([(package, words) for package in packages], experiments=True)
        return [self._tree(*answers) for answers in zip(packages, plain, whole, strict=True)]

    def _tree(self, package: CliPackage, plain: str, whole: str) -> Tree:
        try:
            tree, more = read_completions(plain), read_completions(whole)
        except ValueError as error:
            hint = f"Try `node {_script(package)} --completions fish`."
            raise RunbookError(f"Supabase CLI {package.version} doesn't list its commands", hint=hint) from error
        self.experiments.update((package, path) for path in more if path not in tree)
        return {path: {**more.get(path, {}), **tree.get(path, {})} for path in {**tree, **more}}

    def helps(self, questions: Sequence[tuple[CliPackage, _Words]]) -> list[Help]:
        """Return the help of each command."""
        return [read_help(text) for text in self._ask([(cli, (*path, "--help")) for cli, path in questions])]

    def hidden(self, questions: Sequence[tuple[CliPackage, _Words, _Words]]) -> list[dict[str, CliFlag]]:
        """Return which of some flags each command takes although it doesn't list them.

        A made-up flag is added, so that the CLI refuses the line and does nothing. A command that only prints first
        verifies that the CLI refuses such flags at all.
        """
        refusing: dict[CliPackage, bool] = {}
        for cli in dict.fromkeys(cli for cli, _, _ in questions):
            refused = self._ask([(cli, ("completion", "bash", _MADE_UP))])[0]
            refusing[cli] = _MADE_UP in _UNRECOGNIZED.findall(refused)
        safe = [each for each in questions if refusing[each[0]]]
        texts = dict(zip(safe, self._ask([(cli, (*path, *names, _MADE_UP)) for cli, path, names in safe]), strict=True))
        return [_taken(each[2], texts[each]) if each in texts else {} for each in questions]

    def _ask(self, questions: Sequence[tuple[CliPackage, _Words]], *, experiments: bool = False) -> list[str]:
        self.asked += len(questions)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            answers: list[str] = []
            for text in pool.map(lambda question: self._answer(*question, experiments=experiments), questions):
                answers.append(text)
                self.answered += 1
                self.progress(self.answered, self.asked)
            return answers

    def _answer(self, package: CliPackage, words: _Words, *, experiments: bool) -> str:
        known = (words[:size] for size in range(1, len(words)))
        switched = _EXPERIMENTS if experiments or any((package, path) in self.experiments for path in known) else {}
        return _printed(package, words, self.home, switched)


@contextmanager
def open_asker(progress: Progress) -> Iterator[Asker]:
    """Create an empty home for the CLIs, and remove it at the end."""
    with tempfile.TemporaryDirectory(prefix="runbook-manual-") as home:
        yield Asker(Path(home), progress)


def _printed(package: CliPackage, words: _Words, home: Path, switched: dict[str, str]) -> str:
    """Return what the CLI prints. It prints to a file, because CLI 2 loses the end of long texts in a pipe."""
    argv = [str(node_directory() / "node"), str(_script(package)), *words]
    # Nothing listens on port 9, so a CLI that uses the network or Docker fails at once.
    environment = {**isolated_environment(home, proxy=_CLOSED), "DOCKER_HOST": "tcp://127.0.0.1:9", **switched}
    with tempfile.TemporaryFile() as printed:
        try:
            subprocess.run(
                argv,
                check=False,
                cwd=home,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                timeout=_LONGEST,
            )
        except subprocess.TimeoutExpired as error:
            line = f"`{' '.join(('supabase', *words))}` of Supabase CLI {package.version}"
            raise RunbookError(f"{line} didn't answer within {_LONGEST} s") from error
        printed.seek(0)
        return printed.read().decode("utf-8", "replace")


def _script(package: CliPackage) -> Path:
    described = json.loads((package.directory / "package.json").read_text(encoding="utf-8"))
    named = described.get("bin", {})
    return package.directory / (named if isinstance(named, str) else named.get("supabase", "dist/supabase.js"))


def _taken(names: _Words, text: str) -> dict[str, CliFlag]:
    refused = set(_UNRECOGNIZED.findall(text))
    valued = set(_MISSING_VALUE.findall(text))
    # It didn't get as far as its flags, so its silence about the others means nothing.
    if _MADE_UP not in refused:
        return {}
    return {name: CliFlag(name, "value" if name in valued else "maybe", "") for name in names if name not in refused}
