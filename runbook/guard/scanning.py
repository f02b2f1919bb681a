"""Search files for commands that the policy stops. programs.yaml says which files hold commands, and where."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from runbook.errors import UsageError
from runbook.guard.command_files.contents import Command, NotReadableError, line_and_column
from runbook.guard.command_files.reading import KindTable, read_commands
from runbook.guard.command_line import PlacedJudgement, judge_script, judge_words
from runbook.guard.messages import encodable
from runbook.guard.outline import outline_of
from runbook.guard.programs.names import RUNNERS, bare_name
from runbook.guard.programs.project import major_in
from runbook.model import Effect, Policy, TargetKind, Verdict
from runbook.model.command_files import CommandFile
from runbook.policy.judgement import Judgement, classify
from runbook.printable import one_line, printable

__all__ = ["PassedOver", "Scan", "Stopped", "scan_files"]

# In bytes. A file that a person wrote is smaller.
_LARGEST = 4 * 1024 * 1024
# Enough for the first line of any script.
_START = 256
# The shell's grammar reads no more of one text.
_LONGEST_SCRIPT = 60 * 1024
_SKIPPED_DIRECTORIES = frozenset(
    {"node_modules", ".git", ".venv", "venv", "vendor", ".tox", ".nox", "__pycache__", ".mypy_cache", ".next", "_"}
)
"""Other people's code, and what programs write. `.husky/_` is husky's own."""

UNCLEAR = "unclear"
"""The rule of what no rule of the policy decides: text that can't be read, or a program that can't be told."""

_TARGETS = {
    None: "no target",
    TargetKind.LOCAL: "the local database",
    TargetKind.PRODUCTION: "the linked project",
    TargetKind.DRILL: "a drill",
}


@dataclass(frozen=True, slots=True, order=True)
class Stopped:
    """A command that the policy stops. Lines and columns count from 1. `rule` is the policy's, or UNCLEAR."""

    file: str
    line: int
    column: int
    verdict: Verdict
    message: str
    rule: str = UNCLEAR

    def __str__(self) -> str:
        """Render as `file:line:column: verdict: message`."""
        return f"{one_line(self.file)}:{self.line}:{self.column}: {self.verdict}: {printable(self.message)}"


@dataclass(frozen=True, slots=True, order=True)
class PassedOver:
    """A file that wasn't read, or not completely, and why. The line is 0 if it's about the whole file."""

    file: str
    line: int
    column: int
    reason: str

    def __str__(self) -> str:
        """Render as `file: passed over: reason`, with the place if there is one."""
        place = f":{self.line}:{self.column}" if self.line else ""
        return f"{one_line(self.file)}{place}: passed over: {printable(self.reason)}"


@dataclass
class Scan:
    """What was found in files: commands that are stopped, files that were passed over, and how many were read."""

    stopped: list[Stopped] = field(default_factory=list)
    passed_over: list[PassedOver] = field(default_factory=list)
    files: int = 0


def scan_files(paths: Sequence[Path], policy: Policy) -> Scan:
    """Scan files, and all files with commands in directories.

    A file that is named and can't be read, or is of no known kind, is passed over, and so is a damaged one. Raises
    UsageError if a path doesn't exist.
    """
    for path in paths:
        if not os.path.lexists(path):
            raise UsageError(f"there is no file '{path}'", hint="Name files or directories to scan.")
    scanner = _Scanner(policy)
    for path in paths:
        if path.is_dir():
            for file in _files_below(path, scanner.note_directory):
                scanner.scan(file, is_named=False)
        else:
            scanner.scan(path, is_named=True)
    found = scanner.found
    return Scan(sorted(set(found.stopped)), sorted(set(found.passed_over)), found.files)


def _files_below(directory: Path, note: Callable[[OSError], None]) -> Iterator[Path]:
    for here, names, files in os.walk(directory, onerror=note):
        # Changing the list in place keeps os.walk out of them.
        names[:] = sorted(name for name in names if name not in _SKIPPED_DIRECTORIES)
        yield from (Path(here) / name for name in sorted(files))


class _Scanner:
    def __init__(self, policy: Policy) -> None:
        self.found = Scan()
        self._policy = policy
        # A team's kinds of files come first, so that they can name one more exactly.
        self._kinds = KindTable([kind for layer in policy.programs.all_layers[::-1] for kind in layer.command_files])
        self._programs = frozenset(rule.program for rule in policy.rules if rule.remote is not Verdict.ALLOW)
        self._seen: set[str] = set()

    def scan(self, path: Path, *, is_named: bool) -> None:
        """Scan a file. If it isn't named, it may be of any kind, and is left out without a word."""
        whole = os.path.abspath(path)  # noqa: PTH100 - resolving links would change its name
        if whole in self._seen:
            return
        self._seen.add(whole)
        try:
            kind = self._kinds.by_path(Path(whole).as_posix())
            if kind is None and not path.suffix:
                kind = self._kinds.by_shebang(_start_of(path))
            if kind is None:
                if is_named:
                    self._pass_over(path, "this kind of file isn't known to hold commands")
                return
            text = self._text_of(path)
        except OSError as error:
            self._pass_over(path, f"it can't be read: {error.strerror or error}")
            return
        if text is not None:
            self._judge(path, kind, text)

    def note_directory(self, error: OSError) -> None:
        """Note a directory that can't be read."""
        self._pass_over(Path(error.filename), f"it can't be read: {error.strerror or error}")

    def _pass_over(self, path: Path, reason: str, line: int = 0, column: int = 0) -> None:
        self.found.passed_over.append(PassedOver(encodable(str(path)), line, column, reason))

    def _text_of(self, path: Path) -> str | None:
        """Return a file's text, or pass it over. Raises OSError."""
        if not path.is_file():
            self._pass_over(path, "it isn't a regular file")
            return None
        size = path.stat().st_size
        if size > _LARGEST:
            self._pass_over(path, f"it is too big: {size // 1024:,} KB, and at most {_LARGEST // 1024:,} KB are read")
            return None
        # Shells ignore NUL characters.
        return path.read_bytes().decode("utf-8-sig", errors="replace").replace("\0", "")

    def _judge(self, path: Path, kind: CommandFile, text: str) -> None:
        def read(name: str) -> str | None:
            beside = path.parent / name
            try:
                return self._text_of(beside) if beside.is_file() else None
            except OSError:
                return None

        try:
            commands = list(read_commands(text, kind, read=read, programs=self._programs).commands)
            self.found.files += 1
        except NotReadableError as error:
            self._pass_over(path, error.message, error.line, error.column)
            return
        project = _Project(path, self._policy)
        runners: set[tuple[int, int]] = set()
        found: dict[tuple[int, int], Stopped] = {}
        # A command of an included file has no place here. That file is scanned, too.
        covered = 0
        for command in (each for each in commands if each.pieces):
            # In a list of words in code, a shorter list begins at each word.
            if command.is_guess and command.words and command.pieces[0].start < covered:
                continue
            before = len(found)
            for at, found_there in self._judgements(command, kind):
                place = line_and_column(text, command.place_of(at, text))
                # A package runner is judged first, and then what it starts.
                runners |= {place} if _is_runner(found_there) else set()
                judged = project.judged(found_there, is_local=kind.local_programs or place in runners)
                # One command may be judged more than once, for example after `npx`. The gravest verdict stays.
                if judged.verdict.rank > (found[place].verdict.rank if place in found else 0):
                    name = f"{' '.join(judged.commands[0])}: " if judged.commands else ""
                    message = encodable(name + judged.reason)
                    stopped = Stopped(encodable(str(path)), *place, judged.verdict, message, judged.rule or UNCLEAR)
                    found[place] = stopped
            covered = command.pieces[0].end if len(found) > before else covered
        self.found.stopped += found.values()

    def _judgements(self, command: Command, kind: CommandFile) -> Iterator[tuple[int, Judgement]]:
        """Yield the judgements of a command, each with its place in the command's text."""
        if command.words:
            yield 0, judge_words(command.words, policy=self._policy)
        elif command.language:
            code = replace(kind, format="code", comments=self._comments_of(command.language))
            for inner in read_commands(command.text, code, programs=self._programs).commands:
                for at, judged in self._judgements(inner, kind):
                    yield inner.place_of(at, command.text), judged
        else:
            for start, part in _parts(command.text):
                for placed in judge_script(part, policy=self._policy):
                    # A text that may be no command can't be blamed for being unreadable.
                    if not command.is_guess or placed.judgement.commands:
                        yield start + _place_in(part, placed), placed.judgement

    def _comments_of(self, language: str) -> tuple[str, ...]:
        known = outline_of(self._policy).interpreters(bare_name(language.rpartition("/")[2]))
        return known[0].comments if known else ("#", "//")


def _start_of(path: Path) -> bytes:
    if not path.is_file():
        return b""
    with path.open("rb") as file:
        return file.read(_START)


def _parts(text: str) -> Iterable[tuple[int, str]]:
    """Return a text whole, or in its lines if it's longer than the grammar reads."""
    if len(text) <= _LONGEST_SCRIPT:
        return [(0, text)]
    parts, at = [], 0
    for line in text.splitlines(keepends=True):
        parts.append((at, line))
        at += len(line)
    return parts


def _place_in(text: str, placed: PlacedJudgement) -> int:
    at = 0
    for _ in range(placed.line - 1):
        at = text.find("\n", at) + 1
    return min(at + placed.column - 1, len(text))


# --- the major of the CLI --------------------------------------------------------------------------------------------


class _Project:
    """The project that a file belongs to: it may say which major of the CLI its commands start."""

    def __init__(self, path: Path, policy: Policy) -> None:
        self._policy = policy
        self._major = major_in(map(str, path.absolute().parents), _text_if_any)

    def judged(self, judged: Judgement, *, is_local: bool) -> Judgement:
        """Return a judgement that asks if the CLI's major alone decides where a command writes.

        At a prompt, a person sees where it goes. A file runs the same line on whatever major is installed that day.
        `is_local`: it runs the project's own CLI, so the major is known if the project says it.
        """
        writes = judged.effect is not Effect.READS and not judged.writes_files
        if not judged.commands or not writes:
            return judged
        words = judged.commands[0]
        if is_local and self._major in self._policy.majors:
            known = classify(words, self._policy, major=self._major)
            return replace(known, commands=judged.commands) if known.rank > judged.rank else judged
        if judged.verdict is not Verdict.ALLOW:
            return judged
        targets = {major: classify(words, self._policy, major=major).target for major in sorted(self._policy.majors)}
        if len(set(targets.values())) < 2:
            return judged
        places = [f"CLI {major} sends it to {_TARGETS[target]}" for major, target in targets.items()]
        advice = "Name the target, or pin the CLI's version in the line."
        return replace(judged, verdict=Verdict.CONFIRM, reason=f"It has no target flag: {', '.join(places)}. {advice}")


def _is_runner(judged: Judgement) -> bool:
    """Whether a command is a package runner, which looks in node_modules first."""
    return bool(judged.commands) and judged.commands[0][0] in RUNNERS


def _text_if_any(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
