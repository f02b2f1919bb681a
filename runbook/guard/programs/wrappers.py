"""Handle programs that fill in the command that they start (env, xargs, parallel), and unknown ones."""

from __future__ import annotations

import re
import shlex

from runbook.guard.programs.names import program_name
from runbook.guard.programs.shells import run_shell, run_text
from runbook.guard.shell.call import Call, Doubt
from runbook.guard.shell.quoting import echoed
from runbook.guard.shell.shell_state import scalar
from runbook.guard.shell.texts import (
    ANY,
    ANY_WORDS,
    MAYBE,
    NOTHING,
    PRINTED,
    UNKNOWN,
    Texts,
    either,
    is_known,
    is_whole_unknown,
    may_be,
    plain,
    quoted_words,
)

# --- env, xargs, parallel ------------------------------------------------------------------------------------------


_ENV_VALUES = frozenset({"-u", "--unset", "-C", "--chdir", "-P", "-a", "--argv0"})
_XARGS_VALUES = frozenset({"-n", "-L", "-P", "-s", "-d", "-E", "-a", "--max-args", "--max-procs", "--max-lines"})
_PARALLEL_VALUES = frozenset({"-j", "-a", "-n", "-N", "-S", "-d", "-C", "--jobs", "--arg-file", "--colsep", "--delay"})
# Lines of input that are judged one by one.
_MOST_LINES = 16


def run_env(call: Call) -> Texts:
    """`env [-i] [-u NAME] [-S TEXT] [NAME=value]… COMMAND`."""
    words = list(call.words[1:])
    # env starts programs, so it doesn't see the functions and aliases of the shell.
    state = call.state.child()
    while words:
        word = plain(words[0])
        split = re.match(r"(?:-[iv0]*S|--split-string=?)(.*)$", word, re.DOTALL)
        if split:
            words.pop(0)
            text = split[1] or (plain(words.pop(0)) if words else "")
            words = [*_split(text), *words]
        elif re.match(r"[A-Za-z_]\w*=", word):
            name, _, value = plain(words.pop(0)).partition("=")
            state.variables[name] = scalar((value,))
            state.export(name)
        elif word.startswith("-") and words[0] != ANY_WORDS:
            words.pop(0)
            name, equals, value = word.partition("=")
            if name in _ENV_VALUES and not equals and words:
                value = plain(words.pop(0))
            if name in {"-C", "--chdir"}:
                state.enter(value)
        else:
            break
    return call._replace(state=state).start(tuple(words)) if words else UNKNOWN


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return [ANY_WORDS]


class _Xargs:
    """How xargs was started: the command, the mark in it that is replaced, and the separator of its input."""

    def __init__(self, words: tuple[str, ...]) -> None:
        self.mark = ""
        self.cut: str | None = None
        rest = list(words)
        while rest and plain(rest[0]).startswith("-") and rest[0] != ANY_WORDS:
            word = plain(rest.pop(0))
            if word == "--":
                break
            self._option(word, rest)
        # Without a command, xargs echoes.
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
        """Return the words (or, with a mark, the lines) of an input.

        If it isn't known, the first is an unknown word that can be any of them, and the others are only readings.
        """
        if not is_known(text):
            return [ANY if self.mark else ANY_WORDS, *self._fitting(text)]
        if self.cut is not None:
            # The last item may end in the separator, and none follows it.
            return text.removesuffix(self.cut).split(self.cut) if self.cut else [ANY_WORDS]
        if not self.mark:
            return _split(text)
        # With a mark, xargs takes lines, but still removes quotes and trims blanks.
        return [" ".join(_split(line)) if set(line) & set("'\"\\") else line.strip() for line in text.splitlines()]

    @staticmethod
    def _fitting(text: str) -> list[str]:
        """Return the paths in an input that are known in part: names of files that fit a pattern."""
        if is_whole_unknown(text) or "/" not in text:
            return []
        return [word for word in re.split(r"[\s\0]+", text) if word and not is_whole_unknown(word)][:_MOST_LINES]


def run_xargs(call: Call) -> Texts:
    """Start a command with words from standard input, appended or in place of a mark."""
    asked = _Xargs(call.words[1:])
    inner = call._replace(state=call.state.copy())
    # xargs has read it; the commands get /dev/null.
    inner.state.stdin = NOTHING
    started: list[tuple[str, ...]] = []
    for text in UNKNOWN if call.state.stdin is None else call.state.stdin:
        items = asked.items(text)
        some = items if len(items) <= _MOST_LINES + 1 else [ANY]
        if asked.mark:
            started += [tuple(word.replace(asked.mark, item) for word in asked.words) for item in some]
        else:  # how many words one start gets depends on flags and limits: all of them, or each alone
            whole = items if is_known(text) else items[:1]
            started += [(*asked.words, *whole), *((*asked.words, item) for item in some)]
    with call.shell.repeating():
        return either(NOTHING, *(inner.start(words) for words in started))


def run_parallel(call: Call) -> Texts:
    """GNU parallel: a template filled with each of the words after `:::`, or with lines of the input."""
    words = list(call.words[1:])
    while words and plain(words[0]).startswith("-") and words[0] != ANY_WORDS:
        if plain(words.pop(0)) in _PARALLEL_VALUES and words:
            words.pop(0)
    cut = next((at for at, word in enumerate(words) if re.fullmatch(r":{3,4}\+?", plain(word))), len(words))
    template, sources = " ".join(words[:cut]), [word for word in words[cut + 1 :] if not plain(word).startswith(":::")]
    if cut == len(words) or plain(words[cut]).startswith("::::"):
        texts = UNKNOWN if call.state.stdin is None else call.state.stdin
        sources = [line for text in texts for line in text.splitlines()]
    outputs: list[Texts] = []
    # There are too many to follow each. One unknown input replaces them all, so that none is skipped.
    for source in sources if len(sources) <= _MOST_LINES else [ANY]:
        quoted = quoted_words([source])
        parts = re.split(r"\{[./%#]*\}|\{\d\}", template)
        text = quoted.join(parts) if len(parts) > 1 else f"{template} {quoted}"
        with call.shell.repeating():
            outputs.append(run_text(call, text if template else source))
    return either(NOTHING, *outputs)


# --- unknown programs and unknown names: allowed unless their words could be dangerous --------------------------------


_REMOTE = ("--linked", "--remote")
_SPACE = re.compile(r"\s")
_CLI = re.compile(r"\bsupabase[/-]cli\b")
"""The CLI from other registries: a Go module, a Nix package, an image."""


def run_unknown(call: Call) -> None:
    """Doubt an unknown program if it may start a dangerous command."""
    if call.shell.is_guessing:
        return
    outline = call.shell.outline
    look_behind(call)
    for word in call.arguments:  # it may give a word to a shell: `runner 'supabase db reset'`
        if _SPACE.search(word) and any(program in word for program in outline.risky):
            call.shell.guess(word, call.state)
    # The CLI under another name: no other program resets with `--linked` or `--remote`.
    is_remote = any(word.partition("=")[0] in _REMOTE for word in call.arguments)
    if is_remote and outline.is_restricted(["supabase", *call.arguments]):
        call.doubt(Doubt.UNKNOWN_PROGRAM)


def run_unnamed(call: Call) -> Texts:
    """Doubt a program whose name isn't completely known, if its words look like a dangerous command's."""
    word = plain(call.words[0])
    if set(word) == {PRINTED} or call.shell.is_guessing:
        return UNKNOWN
    # `$CMD` alone, or `$CMD --linked`: the variable may contain the whole command.
    if word == ANY_WORDS and _is_bare(call):
        call.doubt(Doubt.UNKNOWN_PROGRAM)
        return UNKNOWN
    last = word.rsplit("/", 1)[-1]
    outline = call.shell.outline
    words = [each if is_known(each) else "x" for each in call.arguments]
    for name in outline.commanded:
        # These arguments must be what is restricted; what any argument makes dangerous says nothing.
        restricted = may_be(last, name) and outline.is_restricted([name, *words])
        if restricted and not outline.is_restricted([name, "x"]):
            call.doubt(Doubt.UNKNOWN_PROGRAM)
            return UNKNOWN
    # `"$SHELL" -c TEXT`: it may be a shell, so its text is examined as one reading.
    if any(may_be(last, shell) for shell in ("sh", "bash")) and "-c" in call.arguments:
        with call.shell.perhaps():
            run_shell(call.with_words(MAYBE + "sh", *call.words[1:]))
    run_unknown(call)
    return UNKNOWN


def _is_bare(call: Call) -> bool:
    """Whether nothing shows a harmless command: there are no words, or only words that a dangerous one would take."""
    if any(not word.startswith("-") and not is_whole_unknown(word) for word in call.arguments if word):
        return False
    flags = [word for word in call.arguments if is_known(word)]
    return not flags or any(word.partition("=")[0] in _REMOTE for word in flags)


def look_behind(call: Call) -> None:
    """Doubt a program that may start the words after its own: `runner supabase db reset`."""
    if call.shell.is_guessing:
        return
    outline = call.shell.outline
    for at, word in enumerate(call.arguments):
        base = "supabase" if _CLI.search(word) else (program_name(word) or "").partition("@")[0]
        if _SPACE.search(word) or base not in outline.risky:
            continue
        rest = [other if is_known(other) else "x" for other in call.arguments[at + 1 :]]
        rest = rest[1:] if rest[:1] == ["--"] else rest
        if outline.is_restricted([base, *rest]) and (rest or at == 0):
            call.doubt(Doubt.WRAPPED)
            return
