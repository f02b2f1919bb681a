"""Handle programs that start the command in their words (env, xargs, find, sudo …), and unknown ones, which may."""

from __future__ import annotations

import re
import shlex
from typing import NamedTuple

from runbook.guard.programs.names import program_name
from runbook.guard.programs.shells import feed, run_shell, run_text
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

# --- env, xargs, find, parallel --------------------------------------------------------------------------------------


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
            if word in _ENV_VALUES and words:
                words.pop(0)
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
        """Return the words (or, with a mark, the lines) of an input, or one unknown word that can be any of them."""
        if not is_known(text):
            return [ANY if self.mark else ANY_WORDS]
        if self.cut is not None:
            # The last item may end in the separator, and none follows it.
            return text.removesuffix(self.cut).split(self.cut) if self.cut else [ANY_WORDS]
        if not self.mark:
            return _split(text)
        # With a mark, xargs takes lines, but still removes quotes and trims blanks.
        return [" ".join(_split(line)) if set(line) & set("'\"\\") else line.strip() for line in text.splitlines()]


def run_xargs(call: Call) -> Texts:
    """Start a command with words from standard input, appended or in place of a mark."""
    asked = _Xargs(call.words[1:])
    inner = call._replace(state=call.state.copy())
    # xargs has read it; the commands get /dev/null.
    inner.state.stdin = NOTHING
    started: list[tuple[str, ...]] = []
    for text in UNKNOWN if call.state.stdin is None else call.state.stdin:
        items = asked.items(text)
        some = items if len(items) <= _MOST_LINES else [ANY]
        if asked.mark:
            started += [tuple(word.replace(asked.mark, item) for word in asked.words) for item in some]
        else:  # how many words one start gets depends on flags and limits: all of them, or each alone
            started += [(*asked.words, *items), *((*asked.words, item) for item in some)]
    return either(NOTHING, *(inner.start(words) for words in started))


_FIND_STARTS = frozenset({"-exec", "-execdir", "-ok", "-okdir", "-x", "--exec", "-X", "--exec-batch"})


def run_find(call: Call) -> Texts:
    """`find … -exec COMMAND ;` and `fd … -x COMMAND`."""
    words = call.words[1:]
    for at, word in enumerate(words):
        if plain(word) in _FIND_STARTS:
            rest = words[at + 1 :]
            end = next((n for n, item in enumerate(rest) if plain(item) in {";", "+"}), len(rest))
            # Nobody knows which files are found: `find -exec` may get any path.
            call.start(tuple(item.replace("{}", ANY) for item in rest[:end]))
    return UNKNOWN


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
        outputs.append(run_text(call, text if template else source))
    return either(NOTHING, *outputs)


# --- prefixes --------------------------------------------------------------------------------------------------------


class Prefix(NamedTuple):
    """How a program finds the command that it starts. Lists are words with blanks between, as most are never read.

    `verbs`: one of these words must come first, else nothing is started. `values`: flags that take the next word.
    `skips`: words between the flags and the command. `after_dashes`: the command stands behind `--` alone.
    `texts`: flags whose value is a shell text. `assigns`: `NAME=value` words are the command's environment.
    `is_text`: the command is joined and given to a shell. `feeds`: without a command it starts a shell.
    """

    values: str = ""
    verbs: str = ""
    skips: int = 0
    after_dashes: bool = False
    texts: str = ""
    assigns: bool = False
    is_text: bool = False
    feeds: bool = False


_SUDO = Prefix(
    "-u -g -h -p -C -T -r -t -D -R -U --user --group --host --prompt --chdir --close-from --command-timeout --role"
    " --type --chroot --other-user",
    assigns=True,
    feeds=True,
)

PREFIXES: dict[str, Prefix] = {
    "sudo": _SUDO,
    "sudo-rs": _SUDO,
    "doas": Prefix("-u -C -a", feeds=True),
    "nice": Prefix("-n --adjustment"),
    "ionice": Prefix("-c -n -p -P -u --class --classdata"),
    "chrt": Prefix("-T -P -D", skips=1),
    "taskset": Prefix(skips=1),
    "timeout": Prefix("-k -s --kill-after --signal", skips=1),
    "gtimeout": Prefix("-k -s --kill-after --signal", skips=1),
    "time": Prefix("-f -o --format --output"),
    "gtime": Prefix("-f -o --format --output"),
    "stdbuf": Prefix("-i -o -e --input --output --error"),
    "strace": Prefix("-e -o -p -s -u -E -a -b -I -O -P -S -X -U"),
    "ltrace": Prefix("-e -o -p -s -u -a -n -l -x -D -F"),
    "caffeinate": Prefix("-t -w"),
    "systemd-run": Prefix("-p -u -E -M -H --unit --property --uid --gid --slice --description --setenv"),
    "flock": Prefix("-w -E --timeout --wait --conflict-exit-code", skips=1, texts="-c --command"),
    "chroot": Prefix("--userspec --groups", skips=1, feeds=True),
    "nsenter": Prefix("-t --target -S -G", feeds=True),
    "unshare": Prefix("-S -G -R -w --map-user --map-group --setuid --setgid --root --wd", feeds=True),
    "cpulimit": Prefix("-l -p -e -P --limit --pid --exe --path"),
    "faketime": Prefix("-p", skips=1),
    "xvfb-run": Prefix("-n -s -e -f -p -w --server-num --server-args --error-file --auth-file"),
    "watch": Prefix("-n -q --interval --equexit", is_text=True),
    "script": Prefix("-I -O -B -m -T -o --log-io --log-in", skips=1, texts="-c --command -qc -qec"),
    "watchexec": Prefix("-w -e -i -f -d --watch --exts --ignore --filter --debounce"),
    "nodemon": Prefix("-w -e -i --watch --ext --ignore", texts="-x --exec"),
    "dotenv": Prefix("-e -v -p -f -o --file"),
    "dotenv-cli": Prefix("-e -v -p -o"),
    "dotenvx": Prefix("-f -fk -fv -e --env-file --env --env-vault-file", verbs="run"),
    "env-cmd": Prefix("-f -r -e -x --file --rc-file --environments"),
    "cross-env": Prefix(assigns=True),
    "cross-env-shell": Prefix(assigns=True, is_text=True),
    "op": Prefix("--env-file --account --config --cache --environment", verbs="run"),
    "doppler": Prefix("-p -c -t --project --config --token", verbs="run", texts="--command"),
    "infisical": Prefix("--env --path --projectId --token", verbs="run", texts="-c --command"),
    "aws-vault": Prefix("-d -r --duration --region", verbs="exec", skips=1),
    "chamber": Prefix(verbs="exec", after_dashes=True),
    "teller": Prefix("-c --config", verbs="run"),
    "direnv": Prefix(verbs="exec", skips=1),
    "mise": Prefix(verbs="exec x", after_dashes=True, texts="-c --command"),
    "rtx": Prefix(verbs="exec x", after_dashes=True, texts="-c --command"),
    "nvm": Prefix(verbs="exec run", skips=1),
    "fnm": Prefix("--using --version", verbs="exec"),
    "volta": Prefix("--node --npm --yarn --pnpm", verbs="run"),
    "poetry": Prefix("-C -P --directory --project", verbs="run"),
    "uv": Prefix("--with -p --python --env-file --project --directory --extra --group -m", verbs="run"),
    "conda": Prefix("-n -p --name --prefix --cwd", verbs="run"),
    "nix": Prefix("--inputs-from -f", verbs="develop shell", after_dashes=True),
    "nix-shell": Prefix("-p -A -I -E --arg --argstr", texts="--run --command"),
    "railway": Prefix("-s -e --service --environment", verbs="run"),
    "heroku": Prefix("-a -e -s --app --env --size", verbs="run local:run run:detached"),
    "lerna": Prefix(verbs="exec", after_dashes=True),
    "wait-for-it": Prefix(after_dashes=True),
    "wait-on": Prefix(after_dashes=True),
    "dockerize": Prefix("-wait -timeout -template -stdout -stderr -env"),
    "tini": Prefix("-p -e"),
    "gosu": Prefix(skips=1),
    "su-exec": Prefix(skips=1),
    "setuidgid": Prefix(skips=1),
    "envdir": Prefix(skips=1),
    "screen": Prefix("-S -c -e -h -p -s -t -T -L -Logfile"),
    "pkexec": Prefix("--user"),
    "firejail": Prefix(),
    "rlwrap": Prefix("-a -b -C -f -g -H -l -p -P -S"),
    **dict.fromkeys(("nohup", "setsid", "unbuffer", "chronic", "fakeroot", "winpty", "catchsegv", "setpriv"), Prefix()),
    **dict.fromkeys(("busybox", "toybox", "dumb-init", "corepack", "entr", "ts-exec", "systemd-inhibit"), Prefix()),
    **dict.fromkeys(("proxychains4", "proxychains", "torsocks", "prlimit", "valgrind", "run0", "then"), Prefix()),
    **dict.fromkeys(("pipenv", "hatch", "pdm", "rye", "devbox", "rbenv"), Prefix(verbs="run exec")),
    **dict.fromkeys(("bundle", "asdf", "pyenv", "nodenv"), Prefix(verbs="exec")),
}
"""How programs start others, by name."""


def run_prefix(call: Call, prefix: Prefix) -> Texts:
    """Start the command that a prefix program starts."""
    words = list(call.words[1:])
    if prefix.verbs:
        if not words or plain(words[0]) not in prefix.verbs.split():
            run_unknown(call)
            return UNKNOWN
        words.pop(0)
    if prefix.after_dashes:
        carries_text = any(word in prefix.texts.split() for word in words)
        words = words[words.index("--") :] if "--" in words else words if carries_text else []
        if not words:
            run_unknown(call)
    outputs = [run_text(call, text) for text in _take_flags(words, prefix)]
    inner = call
    if prefix.assigns:
        inner = call._replace(state=call.state.child())
        inner.state.functions, inner.state.aliases = {}, {}  # another program doesn't have the shell's own
        while words and re.match(r"[A-Za-z_]\w*=", plain(words[0])):
            name, _, value = plain(words.pop(0)).partition("=")
            inner.state.variables[name] = scalar((value,))
            inner.state.export(name)
    # `timeout 5 COMMAND`, `flock FILE COMMAND`: what is in between isn't a command.
    words = words[prefix.skips :]
    if words[:1] == ["--"]:
        words.pop(0)
    if not words:
        # The input of a user's shell runs there.
        return feed(inner) if prefix.feeds and not outputs else either(UNKNOWN, *outputs)
    if prefix.is_text:
        return run_text(inner, " ".join(words))
    return either(inner.start(tuple(words)), *outputs)


def _take_flags(words: list[str], prefix: Prefix) -> list[str]:
    """Remove the flags at the front. Return the shell texts in them."""
    texts: list[str] = []
    while words and plain(words[0]).startswith("-") and words[0] != ANY_WORDS:
        word = plain(words.pop(0))
        if word == "--":
            break
        name, equals, value = word.partition("=")
        if name in prefix.texts.split() and (equals or words):
            texts.append(value if equals else words.pop(0))
        elif name in prefix.values.split() and not equals and words:
            words.pop(0)
    # Text flags may come after the first words, as in `flock FILE -c TEXT`. They end the words.
    for at, word in enumerate(words[: prefix.skips + 1]):
        if plain(word) in prefix.texts.split() and at + 1 < len(words):
            texts.append(words[at + 1])
            del words[at:]
            break
    return texts


# --- unknown programs and unknown names: allowed unless their words could be dangerous --------------------------------


_REMOTE = ("--linked", "--remote")
_SPACE = re.compile(r"\s")
_CLI = re.compile(r"\bsupabase[/-]cli\b")
"""The CLI from other registries: a Go module, a Nix package, an image."""


def run_unknown(call: Call) -> None:
    """Doubt an unknown program if it may start a dangerous command."""
    if call.shell.is_guessing:
        return
    examiner = call.shell.examiner
    _look_behind(call)
    for word in call.arguments:  # it may give a word to a shell: `runner 'supabase db reset'`
        if _SPACE.search(word) and any(program in word for program in examiner.risky):
            call.shell.guess(word, call.state)
    # The CLI under another name: no other program resets with `--linked` or `--remote`.
    is_remote = any(word.partition("=")[0] in _REMOTE for word in call.arguments)
    if is_remote and examiner.is_restricted(["supabase", *call.arguments]):
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
    examiner = call.shell.examiner
    words = [each if is_known(each) else "x" for each in call.arguments]
    for name in examiner.commanded:
        # These arguments must be what is restricted; what any argument makes dangerous says nothing.
        restricted = may_be(last, name) and examiner.is_restricted([name, *words])
        if restricted and not examiner.is_restricted([name, "x"]):
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


def _look_behind(call: Call) -> None:
    """Look for a program that starts the words after its own: `runner supabase db reset`."""
    examiner = call.shell.examiner
    for at, word in enumerate(call.arguments):
        base = "supabase" if _CLI.search(word) else (program_name(word) or "").partition("@")[0]
        if _SPACE.search(word) or base not in examiner.risky:
            continue
        rest = [other if is_known(other) else "x" for other in call.arguments[at + 1 :]]
        rest = rest[1:] if rest[:1] == ["--"] else rest
        if examiner.is_restricted([base, *rest]) and (rest or at == 0):
            call.doubt(Doubt.WRAPPED)
            return
