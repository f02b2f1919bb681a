"""Programs that make or change files: what a text wrote into one may have moved on, or be something else by now."""

from __future__ import annotations

import re

from runbook.guard.programs.data import DATA_PROGRAMS
from runbook.guard.programs.shells import SHELLS
from runbook.guard.shell.call import Call
from runbook.guard.shell.files import write
from runbook.guard.shell.texts import UNKNOWN, is_known, plain

__all__ = ["note_changes"]

_COPIES = frozenset({"cp", "mv", "ln", "install", "rsync", "scp", "gcp", "gmv"})
_CHANGES = frozenset({"sed", "gsed", "dd", "patch", "truncate", "split", "sponge", "gpg", "openssl"})
_ONLY_READ = DATA_PROGRAMS - _CHANGES - _COPIES | SHELLS | {"source", ".", "exec", "[", "test", "git"}


def note_changes(call: Call, name: str) -> None:
    """Take note of what a command may do to files that this text wrote."""
    if not call.scope.files or name in _ONLY_READ or name in call.shell.examiner.programs:
        return
    # A word with a blank in it is a text; its end may look like a path.
    words = [plain(word) for word in call.words[1:] if not re.match(r"-|.*\s", plain(word), re.DOTALL)]
    if name in _COPIES and len(words) > 1:
        _copied(call, words[:-1], words[-1])
        return
    for word in words:
        path = word.removeprefix("of=")
        if is_known(path) and (call.shell.is_written(path, call.scope) or path != word):
            write(path, UNKNOWN, call.scope)


def _copied(call: Call, sources: list[str], target: str) -> None:
    for source in sources:
        texts = call.shell.contents(source, call.scope)
        if texts is not None and call.shell.is_written(source, call.scope):
            write(target, texts, call.scope)
            write(f"{target}/{source.rsplit('/', 1)[-1]}", texts, call.scope)
