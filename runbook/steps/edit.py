"""`edit`: a file that the operator finishes in an editor. It's put in place only when done, and nothing is lost."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from runbook.errors import UsageError
from runbook.filling import Values, fill_text
from runbook.model import Action, Position, Role, Step, Use
from runbook.model.action import Becomes, WrittenFile
from runbook.model.fields import LINE_TEMPLATE, LITERAL, CommandLine, Shaped, key
from runbook.printable import lines_of
from runbook.steps import view
from runbook.steps.command import Command
from runbook.steps.destination import Destination
from runbook.steps.performing import Done, Draft, Hands, Job, Work

__all__ = ["Edit", "Git"]

_LARGEST = 4 * 1024 * 1024
"""The most bytes of a finished file."""


@dataclass(frozen=True, slots=True)
class Git:
    """A file as it was at a commit."""

    revision: str = key(LINE_TEMPLATE, "The commit, tag or branch.")
    path: str = key(LINE_TEMPLATE, "The file's path in the repository.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit(Action):
    """A file written from `template` or from git, opened in `$EDITOR`, then checked."""

    word: ClassVar = "Edit a file"
    symbol: ClassVar = "edit"
    enter_does: ClassVar = "to open the editor"
    asks_again_on_retry: ClassVar = True
    mapping: ClassVar = "edit"
    forms: ClassVar = ("template", "git")
    summary: ClassVar = "A file to write. It begins as a template or as an older version from git."

    file: str = key(LINE_TEMPLATE, "Path of the file, from the project's directory.")
    template: str | None = key(LITERAL, "What the file begins as.", default=None)
    git: Git | None = key(Shaped("git"), "The version of a file that it begins as.", default=None)
    check: Command | None = key(
        CommandLine(), "A command that must exit with 0 before the file is accepted.", default=None
    )

    @classmethod
    def made(cls, values: Mapping[str, Any]) -> Edit:
        """Return it with its check as a separate command, with its place."""
        check = Command(values["check"], values["check_at"]) if "check" in values else None
        return cls(file=values["file"], template=values.get("template"), git=values.get("git"), check=check)

    def uses(self, at: Position) -> Iterator[Use]:
        """Yield the file's path, what it begins as, and the words of its check."""
        origin = (self.git.revision, self.git.path) if self.git else ()
        for text in (self.file, self.template, *origin):
            if text:
                yield Use(text, at, Becomes.FILE)
        if self.check:
            yield from self.check.uses(at)

    def commands(self) -> Iterator[tuple[Role, Action]]:
        """Yield its check, which only reads."""
        if self.check:
            yield Role.CHECK, self.check

    def written_file(self) -> WrittenFile:
        """Return the file."""
        return WrittenFile(self.file, self.template, self.check is not None)

    def argv(self, values: Values, to: Destination) -> tuple[str, ...]:
        """Return its check, filled in."""
        return self.check.argv(values, to) if self.check else ()

    # --- doing it -------------------------------------------------------------------------------------------------

    def begin(self, work: Work) -> Draft:
        """Return the draft to open.

        An existing draft is kept: it may contain an hour's work from a session that was cut off.
        """
        draft = self._draft_path(work)
        if draft.exists():
            return Draft(draft)
        try:
            draft.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            text, problem = self._first_text(work)
            _write(draft, text)
        except OSError as error:
            hint = "Free some space or fix its permissions, then retry."
            raise UsageError(f"can't write the draft {draft}: {error.strerror}", hint=hint) from error
        return Draft(draft, problem)

    def perform(self, work: Work, answer: str) -> None:
        """Put the finished file (`answer` is its path) in place and check it. If the check passes, delete the draft."""
        text, problem = _finished_text(answer)
        file = self._destination(work)  # first, because nothing may raise once the start is on record

        def put_in_place() -> Done:
            if problem:
                raise OSError(problem)
            return Done(evidence=self._place(work, file, text))

        if work.run(Job(expect=work.step.expect, timeout=work.step.timeout, first=put_in_place)).passed:
            self._draft_path(work).unlink(missing_ok=True)

    def _first_text(self, work: Work) -> tuple[str, str]:
        there = self._destination(work)
        if work.has_passed and there.exists():
            return there.read_bytes().decode("utf-8", errors="replace"), ""
        if self.git is None:
            return work.fill(self.template or ""), ""
        revision, path = work.fill(self.git.revision), work.fill(self.git.path)
        if not re.fullmatch(r"[A-Za-z0-9_./^~@{}-]+", revision) or revision.startswith("-"):
            return "", f"'{revision}' isn't a git revision"
        import tempfile  # imported late, like the others here: reading a book must not wait for them

        with tempfile.TemporaryDirectory(dir=work.drafts.parent) as directory:
            archive = Path(directory, "old.tar")
            # The output of `git show` would pass through a terminal, with its line ends and limits. An archive doesn't.
            failed = work.read(("git", "archive", "--format=tar", f"--output={archive}", revision, "--", path))
            return ("", f"git has no {path} at {revision}: {failed}") if failed else _only_member(archive, path)

    def _place(self, work: Work, file: Path, text: str) -> str:
        """Put the text in the step's file and return the difference. The old content is kept."""
        import difflib

        before = file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
        name = str(file.relative_to(work.project))
        kept = [f"the old version is kept in {_keep(file, work.kept)}"] if before.strip() and before != text else []
        file.parent.mkdir(parents=True, exist_ok=True)
        _write(file, text)
        lines = difflib.unified_diff(
            lines_of(before), lines_of(text), f"{name} before", f"{name} after", lineterm="", n=3
        )
        return "\n".join([*lines, *kept]) or f"{name} is unchanged"

    def _destination(self, work: Work) -> Path:
        file = (work.project / work.fill(self.file)).resolve()
        if not file.is_relative_to(work.project) or file == work.project:
            raise UsageError(f"{file} is outside the project {work.project}", hint="Nothing was written.")
        return file

    def _draft_path(self, work: Work) -> Path:
        return work.drafts / (Path(work.fill(self.file)).name or "draft")

    # --- answering and showing ------------------------------------------------------------------------------------

    def attend(self, hands: Hands) -> str | None:
        """Let the person work on the draft until it's accepted. The answer is its path."""
        return hands.edit()

    def answer_problem(self, step: Step, answers: Sequence[str]) -> str:
        """Return "": any text is accepted."""
        del step, answers
        return ""

    def drill_answer(self, given: Callable[..., str | None], draft: str) -> str:
        """Write the drill's text into the draft, if it has one."""
        text = given()
        if text is not None:
            Path(draft).write_text(text, encoding="utf-8")
        return draft

    def view(self, values: Values, to: Destination) -> Iterator[view.Block]:
        """Yield the file with its initial content, and its check."""
        origin = fill_text(f"{self.git.revision}:{self.git.path}", values) if self.git else ""
        content = None if self.template is None else fill_text(self.template, values)
        yield view.File(fill_text(self.file, values), content, origin)
        if self.check:
            argv = self.check.argv(values, to)
            yield view.CommandToRun(argv, lead="Then check the file:")


def _finished_text(path: str) -> tuple[str, str]:
    """Return the text of the finished file, and the problem with it ("" if there is none)."""
    file = Path(path)
    try:
        if not path or file.stat().st_size > _LARGEST:
            return "", "there is no finished file" if not path else "the file is too large"
        text = file.read_bytes().decode("utf-8")  # unchanged: `read_text` would change line endings
    except OSError as error:
        return "", f"can't read the finished file: {error.strerror}"
    except UnicodeDecodeError:
        return "", "the finished file isn't UTF-8 text"
    return text, "" if text.strip() else "the finished file is empty"


def _only_member(archive: Path, path: str) -> tuple[str, str]:
    import tarfile

    with tarfile.open(archive) as tar:
        files = [member for member in tar.getmembers() if member.isfile()]
        if len(files) != 1:
            return "", f"{path} is not one file but {len(files)}"
        content = tar.extractfile(files[0])
        assert content is not None
        return content.read(_LARGEST).decode("utf-8", errors="replace"), ""


def _keep(file: Path, directory: Path) -> str:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    number = 1
    while (copy := directory / f"{number}-{file.name}").exists():
        number += 1
    _write(copy, file.read_bytes().decode("utf-8", errors="surrogateescape"))
    return str(copy)


def _write(file: Path, text: str) -> None:
    """Replace the file's content in one move, so that nobody ever sees half of the new text."""
    import tempfile

    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape", newline="") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(file.stat().st_mode & 0o777 if file.exists() else 0o644)
        Path(temporary).replace(file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
