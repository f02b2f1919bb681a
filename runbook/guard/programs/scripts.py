"""Shell scripts in files: what can be read is judged, else the name is."""

from __future__ import annotations

import re

from runbook.guard.programs.names import says_reset
from runbook.guard.shell.call import Call, Doubt
from runbook.guard.shell.texts import NOTHING, PRINTED, UNKNOWN, Texts, either, is_whole_unknown, plain

__all__ = ["run_script"]

_SHEBANG = re.compile(r"#!\s*\S*?(?:/|env\s+(?:-S\s+)?)(?:ba|z|da|k|a)?sh\b")
_OTHER = re.compile(r"#!|\x7fELF")


def run_script(call: Call, path: str, *, here: bool = False) -> Texts:
    """Run a shell script with the words behind it as arguments. `here`: in this very shell, as `source` does."""
    name = plain(path)
    if name in {"/dev/stdin", "/dev/fd/0", "/proc/self/fd/0", "-"} and call.scope.stdin is not None:
        texts: Texts | None = call.scope.stdin
    else:
        texts = call.shell.contents(path, call.scope)
    if texts is None:
        if says_reset(name):
            call.doubt(Doubt.NAMED_RESET)
        return UNKNOWN
    return either(*(_run_text(call, path, text, here=here) for text in texts))


def _run_text(call: Call, path: str, text: str, *, here: bool) -> Texts:
    if text.strip() in {"", PRINTED}:
        return NOTHING
    if is_whole_unknown(text):
        call.doubt(Doubt.UNKNOWN_SCRIPT)
        return UNKNOWN
    if not here and _OTHER.match(text) and not _SHEBANG.match(text):
        from runbook.guard.programs.foreign import look_for_commands

        look_for_commands(call, text)
        return UNKNOWN
    scope = call.scope if here else call.scope.child()
    before = scope.arguments
    if not here or len(call.words) > 1:
        scope.arguments, scope.name = (call.words[1:],), call.words[0]
    if call.shell.is_written(path, call.scope) or any(program in text for program in call.shell.examiner.risky):
        output = call.shell.text(text, scope)
    else:
        # A script that is there and names nothing dangerous is no worse than one that can't be read.
        output = call.shell.scan_prefix(text, scope)
    scope.arguments = before
    return output
