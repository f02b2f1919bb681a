"""`env` and `xargs`, `find`, `parallel`: a command's words and environment put together by another program."""

from __future__ import annotations

import re
import shlex

from runbook.guard.programs.shells import run_text
from runbook.guard.shell.call import Call
from runbook.guard.shell.decode import echoed
from runbook.guard.shell.scope import scalar
from runbook.guard.shell.texts import ANY, ANY_WORDS, NOTHING, UNKNOWN, Texts, either, is_known, plain
from runbook.guard.shell.variables import quoted_words

__all__ = ["run_env", "run_find", "run_parallel", "run_xargs"]

_ENV_VALUES = frozenset({"-u", "--unset", "-C", "--chdir", "-P", "-a", "--argv0"})
_XARGS_VALUES = frozenset({"-n", "-L", "-P", "-s", "-d", "-E", "-a", "--max-args", "--max-procs", "--max-lines"})
_PARALLEL_VALUES = frozenset({"-j", "-a", "-n", "-N", "-S", "-d", "-C", "--jobs", "--arg-file", "--colsep", "--delay"})
_MOST_LINES = 16


def run_env(call: Call) -> Texts:
    """`env [-i] [-u NAME] [-S TEXT] [NAME=value]… COMMAND`."""
    words = list(call.words[1:])
    scope = call.scope.child()
    while words:
        word = plain(words[0])
        split = re.match(r"(?:-[iv0]*S|--split-string=?)(.*)$", word, re.DOTALL)
        if split:
            words.pop(0)
            text = split[1] or (plain(words.pop(0)) if words else "")
            words = [*_split(text), *words]
        elif re.match(r"[A-Za-z_]\w*=", word):
            name, _, value = plain(words.pop(0)).partition("=")
            scope.variables[name] = scalar((value,))
            scope.export(name)
        elif word.startswith("-") and words[0] != ANY_WORDS:
            words.pop(0)
            if word in _ENV_VALUES and words:
                words.pop(0)
        else:
            break
    return call._replace(scope=scope).start(tuple(words)) if words else UNKNOWN


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return [ANY_WORDS]


class _Xargs:
    """How xargs was started: the command, the mark in it that is replaced, and what its input is cut at."""

    def __init__(self, words: tuple[str, ...]) -> None:
        self.mark = ""
        self.cut: str | None = None
        rest = list(words)
        while rest and plain(rest[0]).startswith("-") and rest[0] != ANY_WORDS:
            word = plain(rest.pop(0))
            if word == "--":
                break
            self._option(word, rest)
        self.words = rest or ["echo"]

    def _option(self, word: str, rest: list[str]) -> None:
        name, equals, value = word.partition("=")
        letter = re.match(r"-[0rtpxo]*([Iid])(.*)$", word, re.DOTALL)
        if letter and letter[1] == "d":
            self.cut = echoed(letter[2] or (plain(rest.pop(0)) if rest else ""))
        elif letter:
            self.mark = letter[2] or (plain(rest.pop(0)) if letter[1] == "I" and rest else "{}")
        elif name == "--delimiter":
            self.cut = echoed(value if equals else plain(rest.pop(0)) if rest else "")
        elif name == "--replace":
            self.mark = value or "{}"
        elif word == "--null" or re.match(r"-[rtpxo]*0", word):
            self.cut = "\0"
        elif word in _XARGS_VALUES and rest:
            rest.pop(0)

    def items(self, text: str) -> list[str]:
        """Return the words, or with a mark the lines, that an input gives; one that stands for any if need be."""
        if not is_known(text):
            return [ANY if self.mark else ANY_WORDS]
        if self.cut is not None:
            return text.removesuffix(self.cut).split(self.cut) if self.cut else [ANY_WORDS]
        if not self.mark:
            return _split(text)
        return [" ".join(_split(line)) if set(line) & set("'\"\\") else line.strip() for line in text.splitlines()]


def run_xargs(call: Call) -> Texts:
    """Start a command with words from standard input, appended or put in the place of a mark."""
    asked = _Xargs(call.words[1:])
    inputs = UNKNOWN if call.scope.stdin is None else call.scope.stdin
    inner = call._replace(scope=call.scope.copy())
    inner.scope.stdin = NOTHING
    return either(NOTHING, *(_spread(inner, asked, asked.items(text)) for text in inputs))


def _spread(call: Call, asked: _Xargs, items: list[str]) -> Texts:
    """Start the command for one input: once for each item, and without a mark also with all of them."""
    some = items if len(items) <= _MOST_LINES else [ANY]
    if asked.mark:
        started = [tuple(word.replace(asked.mark, item) for word in asked.words) for item in some]
    else:
        started = [(*asked.words, *items), *((*asked.words, item) for item in some)]
    return either(NOTHING, *(call.start(words) for words in started))


_FIND_STARTS = frozenset({"-exec", "-execdir", "-ok", "-okdir", "-x", "--exec", "-X", "--exec-batch"})


def run_find(call: Call) -> Texts:
    """`find … -exec COMMAND ;` and `fd … -x COMMAND`."""
    words = call.words[1:]
    for at, word in enumerate(words):
        if plain(word) in _FIND_STARTS:
            rest = words[at + 1 :]
            end = next((n for n, item in enumerate(rest) if plain(item) in {";", "+"}), len(rest))
            call.start(tuple(item.replace("{}", ANY) for item in rest[:end]))
    return UNKNOWN


def run_parallel(call: Call) -> Texts:
    """GNU parallel: a template filled with each of the words behind `:::`, or with lines of the input."""
    words = list(call.words[1:])
    while words and plain(words[0]).startswith("-") and words[0] != ANY_WORDS:
        if plain(words.pop(0)) in _PARALLEL_VALUES and words:
            words.pop(0)
    cut = next((at for at, word in enumerate(words) if re.fullmatch(r":{3,4}\+?", plain(word))), len(words))
    template, sources = " ".join(words[:cut]), [word for word in words[cut + 1 :] if not plain(word).startswith(":::")]
    if cut == len(words) or plain(words[cut]).startswith("::::"):
        texts = UNKNOWN if call.scope.stdin is None else call.scope.stdin
        sources = [line for text in texts for line in text.splitlines()]
    if not template:
        return either(NOTHING, *(run_text(call, source) for source in sources[:_MOST_LINES]))
    return either(NOTHING, *(run_text(call, _filled(template, source)) for source in sources[:_MOST_LINES]))


def _filled(template: str, source: str) -> str:
    quoted = quoted_words([source])
    filled = re.sub(r"\{[./%#]*\}|\{\d\}", lambda _: quoted, template)
    return filled if filled != template else f"{template} {quoted}"
