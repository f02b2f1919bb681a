"""Judge shells started as programs, and shell scripts in files. A script that can't be read is judged by its name."""

from __future__ import annotations

import re
from collections.abc import Collection

from runbook.guard.programs.names import bare_name, program_name, says_reset
from runbook.guard.shell.call import Call, Doubt
from runbook.guard.shell.texts import (
    ANY_WORDS,
    NOTHING,
    PRINTED,
    UNKNOWN,
    Texts,
    either,
    is_known,
    is_whole_unknown,
    plain,
)

__all__ = ["feed", "run_script", "run_shell", "run_text"]


# --- scripts ---------------------------------------------------------------------------------------------------------


_SHEBANG = re.compile(r"#!\s*\S*?(?:/|env\s+(?:-S\s+)?)(?:ba|z|da|k|a)?sh\b")
_OTHER = re.compile(r"#!|\x7fELF")


def run_script(call: Call, path: str, *, here: bool = False) -> Texts:
    """Run a shell script with the words after it as arguments. `here` means in this very shell, as with `source`."""
    name = plain(path)
    if name in {"/dev/stdin", "/dev/fd/0", "/proc/self/fd/0", "-"} and call.state.stdin is not None:
        texts: Texts | None = call.state.stdin
    else:
        texts = call.shell.contents(path, call.state)
    if texts is None:
        # There is nothing to read, so only the name counts.
        if says_reset(name):
            call.doubt(Doubt.NAMED_RESET)
        return UNKNOWN
    return either(*(_run_contents(call, path, text, here=here) for text in texts))


def _run_contents(call: Call, path: str, text: str, *, here: bool) -> Texts:
    if text.strip() in {"", PRINTED}:
        return NOTHING
    if is_whole_unknown(text):
        call.doubt(Doubt.UNKNOWN_SCRIPT)
        return UNKNOWN
    if not here and _OTHER.match(text) and not _SHEBANG.match(text):
        _run_other_language(call, text)
        return UNKNOWN
    # A script that is started sees what is exported; one that is sourced sees everything.
    state = call.state if here else call.state.child()
    before = state.arguments
    if not here or len(call.words) > 1:
        state.arguments, state.name = (call.words[1:],), call.words[0]
    if call.state.is_written(path) or _may_name_one(text, call.shell.outline.risky):
        output = call.shell.text(text, state)
    else:
        # A script that exists and names nothing dangerous isn't worse than one that can't be read.
        output = call.shell.scan_prefix(text, state)
    state.arguments = before
    return output


_QUOTES = str.maketrans("", "", "'\"\\")
_ESCAPES = re.compile(r"\$'[^']*\\(?:x|u|[0-7]{2})")


def _may_name_one(text: str, programs: Collection[str]) -> bool:
    """Whether a script may name one of these programs: in capitals, in pieces, or in escapes that hide letters."""
    bare = text.translate(_QUOTES).lower()
    return any(program in bare for program in programs) or _ESCAPES.search(text) is not None


_INTERPRETER = re.compile(r"#!\s*(?:\S*/env\s+(?:-S\s+)?)?(\S+)")


def _run_other_language(call: Call, text: str) -> None:
    from runbook.guard.programs.dangerous_code import look_for_commands  # most scripts are shell scripts
    from runbook.guard.programs.interpreters import run_code

    match = _INTERPRETER.match(text)
    known = call.shell.outline.interpreters(bare_name(program_name(match[1]) or "")) if match else ()
    for interpreter in known:
        run_code(call, text, interpreter)
    if not known:
        look_for_commands(call, text)


# --- shells ----------------------------------------------------------------------------------------------------------

_VALUE_OPTIONS = frozenset({"--emulate", "--debug-output", "--profile"})
_FILE_OPTIONS = frozenset({"--rcfile", "--init-file"})
_TEXT_OPTIONS = frozenset({"--command", "--init-command"})


def run_shell(call: Call) -> Texts:
    """Run what a shell is given: `-c TEXT`, a script, or its input."""
    started = _Options(call.words[1:])
    words = tuple(started.words)
    # `bash -n` and `-o noexec` check the grammar and run nothing.
    if started.only_parses:
        return NOTHING
    for path in started.startup:
        run_script(call.with_words(path), path)
    if started.text is not None:
        name, arguments = (words[0], words[1:]) if words else (call.words[0], ())
        return run_text(call, started.text, name=name, arguments=arguments)
    if words and not started.reads_input:
        return run_script(call.with_words(*words), words[0])
    return feed(call, arguments=words)


class _Options:
    """How a shell was started. `words` has what is left: a script and its arguments, or those of the text."""

    def __init__(self, words: tuple[str, ...]) -> None:
        self.words = list(words)
        self.text: str | None = None
        self.startup: list[str] = []
        self.reads_input = False
        self.only_parses = False
        self._wants_text = False
        while self.words and self.words[0] != ANY_WORDS and plain(self.words[0]).startswith(("-", "+")):
            word = plain(self.words.pop(0))
            if word in {"--", "-"}:
                break
            if word.startswith("--"):
                self._long(word)
            else:
                self._short(word)
        if self._wants_text and self.text is None and self.words:
            self.text = self.words.pop(0)

    def _long(self, word: str) -> None:
        name, equals, value = word.partition("=")
        if name not in _TEXT_OPTIONS | _FILE_OPTIONS | _VALUE_OPTIONS or not (equals or self.words):
            return
        given = value if equals else self.words.pop(0)
        if name in _TEXT_OPTIONS:
            self.text = given
        elif name in _FILE_OPTIONS:
            self.startup.append(given)

    def _short(self, word: str) -> None:
        letters = word[1:] if word.startswith("-") else ""
        # Unknown letters may include a `c`. Then the next word is a text if it looks like one.
        unclear = not is_known(letters) and bool(self.words) and " " in self.words[0]
        self._wants_text |= "c" in letters or unclear
        self.reads_input |= "s" in letters
        self.only_parses |= "n" in letters
        # -o and -O may end a group of letters and take the next word: `bash -eo pipefail`.
        if word[-1:] in {"o", "O"} and self.words:
            self.only_parses |= plain(self.words.pop(0)) == "noexec"


def run_text(
    call: Call, text: str, *, here: bool = False, name: str | None = None, arguments: tuple[str, ...] = ()
) -> Texts:
    """Run a text in a new shell, or `here`, as `eval` does. A completely unknown text is a doubt."""
    if plain(text).strip() in {"", PRINTED}:
        return NOTHING
    if is_whole_unknown(plain(text)):
        call.doubt(Doubt.UNKNOWN_SCRIPT)
        return UNKNOWN
    if here:
        return call.shell.text(text, call.state)
    state = call.state.child()
    state.name, state.arguments = name or call.words[0], (arguments,)
    return call.shell.text(text, state)


def feed(call: Call, *, arguments: tuple[str, ...] = ()) -> Texts:
    """Run what arrives on standard input. At a terminal, a person types it, so it isn't part of the line."""
    texts = call.state.stdin
    if texts is None:
        return UNKNOWN
    fed = call._replace(state=call.state.child())
    fed.state.stdin = None  # the shell has read it all; what it starts finds nothing left
    return either(*(run_text(fed, text, arguments=arguments) for text in texts))
