"""An `edit` step: a draft the operator works on, put in place only when it is finished, nothing ever lost."""

from __future__ import annotations

import difflib
import os
import re
import tarfile
import tempfile
from pathlib import Path

from runbook.engine.commands import Ready, values_at
from runbook.engine.context import Frame
from runbook.engine.events import Outcome, Purpose
from runbook.engine.execution import Job, perform
from runbook.engine.path import Instance
from runbook.engine.step_record import Status
from runbook.engine.view_model import unready_screen
from runbook.errors import UsageError
from runbook.filling import fill_text
from runbook.model import Edit, Expectation

__all__ = ["drop_draft", "finished_text", "make_draft", "place"]

_LARGEST = 4 * 1024 * 1024


def make_draft(frame: Frame, at: Instance, edit: Edit) -> tuple[Path, str]:
    """Return the draft to open, and what went wrong in making it ("" if nothing did).

    A draft that is there already is gone on with: it may hold an hour's work of a session that was cut off.
    """
    draft = _draft_path(frame, at, edit)
    if draft.exists():
        return draft, ""
    draft.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    text, problem = _first_text(frame, at, edit)
    _write(draft, text)
    return draft, problem


def finished_text(path: str) -> tuple[str, str]:
    """Return the text of the finished file, and what is wrong with it ("" if nothing is)."""
    file = Path(path)
    try:
        if not path or file.stat().st_size > _LARGEST:
            return "", "there is no finished file" if not path else "the file is too large"
        text = file.read_bytes().decode("utf-8")  # as it is: `read_text` would change line ends
    except OSError as error:
        return "", f"the finished file can't be read: {error.strerror}"
    except UnicodeDecodeError:
        return "", "the finished file is not UTF-8 text"
    return text, "" if text.strip() else "the finished file is empty"


def place(frame: Frame, at: Instance, edit: Edit, text: str, keep: Path) -> str:
    """Put the text where the step wants it and return the difference. What was there is kept in `keep`."""
    file = _destination(frame, at, edit)
    before = file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
    name = str(file.relative_to(_project(frame)))
    kept = ""
    if before.strip() and before != text:
        kept = _keep(file, keep)
    file.parent.mkdir(parents=True, exist_ok=True)
    _write(file, text)
    lines = difflib.unified_diff(
        before.splitlines(), text.splitlines(), f"{name} before", f"{name} now", lineterm="", n=3
    )
    return "\n".join([*lines, *([f"the version before is kept in {kept}"] if kept else [])]) or f"{name} is unchanged"


def drop_draft(frame: Frame, at: Instance, edit: Edit) -> None:
    """Remove the draft once the step has passed."""
    _draft_path(frame, at, edit).unlink(missing_ok=True)


def _first_text(frame: Frame, at: Instance, edit: Edit) -> tuple[str, str]:
    there = _destination(frame, at, edit)
    if frame.state.step(at.path).status is Status.PASSED and there.exists():
        return there.read_bytes().decode("utf-8", errors="replace"), ""
    if edit.template is not None:
        return _filled(frame, at, edit.template), ""
    return _from_git(frame, at, edit)


def _from_git(frame: Frame, at: Instance, edit: Edit) -> tuple[str, str]:
    revision, path = _filled(frame, at, edit.git_revision or ""), _filled(frame, at, edit.git_path or "")
    if not re.fullmatch(r"[A-Za-z0-9_./^~@{}-]+", revision) or revision.startswith("-"):
        return "", f"'{revision}' is no revision of git"
    with tempfile.TemporaryDirectory(dir=frame.scratch) as directory:
        archive = Path(directory, "old.tar")
        # `git show` would come through a terminal, with its line ends and limits; an archive comes as it is.
        ready = Ready(argv=("git", "archive", "--format=tar", f"--output={archive}", revision, "--", path))
        job = Job(purpose=Purpose.PREPARE, expect=Expectation(), timeout=60)
        ended = perform(frame, at, ready, job, unready_screen(frame, at))
        if ended.outcome is not Outcome.PASSED:
            return "", f"git has no {path} at {revision}: {ended.output.strip() or ended.evidence}"
        return _only_member(archive, path)


def _only_member(archive: Path, path: str) -> tuple[str, str]:
    with tarfile.open(archive) as tar:
        files = [member for member in tar.getmembers() if member.isfile()]
        if len(files) != 1:
            return "", f"{path} is not one file but {len(files)}"
        content = tar.extractfile(files[0])
        assert content is not None
        return content.read(_LARGEST).decode("utf-8", errors="replace"), ""


def _filled(frame: Frame, at: Instance, template: str) -> str:
    return fill_text(template, values_at(frame, at))


def _project(frame: Frame) -> Path:
    return Path(frame.ports.target.directory).resolve()


def _destination(frame: Frame, at: Instance, edit: Edit) -> Path:
    project = _project(frame)
    file = (project / _filled(frame, at, edit.file)).resolve()
    if not file.is_relative_to(project) or file == project:
        raise UsageError(f"{file} is outside of the project {project}", hint="Nothing was written.")
    return file


def _draft_path(frame: Frame, at: Instance, edit: Edit) -> Path:
    name = Path(_filled(frame, at, edit.file)).name or "draft"
    return frame.scratch / "drafts" / frame.run / re.sub(r"[^A-Za-z0-9_-]", "_", at.path) / name


def _keep(file: Path, directory: Path) -> str:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    number = 1
    while (copy := directory / f"{number}-{file.name}").exists():
        number += 1
    _write(copy, file.read_bytes().decode("utf-8", errors="surrogateescape"))
    return str(copy)


def _write(file: Path, text: str) -> None:
    """Replace the file's content at once: whoever looks sees the old text or the new one, never half of it."""
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
