"""Programs that start the command in their words: env, xargs, find and parallel, sudo, timeout and the like."""

from __future__ import annotations

import re
import shlex
from typing import NamedTuple

from runbook.guard.programs.shells import feed, run_text
from runbook.guard.programs.unknown import run_unknown
from runbook.guard.shell.call import Call
from runbook.guard.shell.quoting import echoed
from runbook.guard.shell.state import scalar
from runbook.guard.shell.texts import ANY, ANY_WORDS, NOTHING, UNKNOWN, Texts, either, is_known, plain, quoted_words

__all__ = ["PREFIXES", "Prefix", "run_env", "run_find", "run_parallel", "run_prefix", "run_xargs"]


# --- env, xargs, find, parallel --------------------------------------------------------------------------------------


_ENV_VALUES = frozenset({"-u", "--unset", "-C", "--chdir", "-P", "-a", "--argv0"})
_XARGS_VALUES = frozenset({"-n", "-L", "-P", "-s", "-d", "-E", "-a", "--max-args", "--max-procs", "--max-lines"})
_PARALLEL_VALUES = frozenset({"-j", "-a", "-n", "-N", "-S", "-d", "-C", "--jobs", "--arg-file", "--colsep", "--delay"})
_MOST_LINES = 16


def run_env(call: Call) -> Texts:
    """`env [-i] [-u NAME] [-S TEXT] [NAME=value]… COMMAND`."""
    words = list(call.words[1:])
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
    inputs = UNKNOWN if call.state.stdin is None else call.state.stdin
    inner = call._replace(state=call.state.copy())
    inner.state.stdin = NOTHING
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
        texts = UNKNOWN if call.state.stdin is None else call.state.stdin
        sources = [line for text in texts for line in text.splitlines()]
    if not template:
        return either(NOTHING, *(run_text(call, source) for source in sources[:_MOST_LINES]))
    return either(NOTHING, *(run_text(call, _filled(template, source)) for source in sources[:_MOST_LINES]))


def _filled(template: str, source: str) -> str:
    quoted = quoted_words([source])
    filled = re.sub(r"\{[./%#]*\}|\{\d\}", lambda _: quoted, template)
    return filled if filled != template else f"{template} {quoted}"


# --- prefixes --------------------------------------------------------------------------------------------------------


class Prefix(NamedTuple):
    """How a program finds the command that it starts.

    `verbs`: one of these words must come first, else nothing is started. `values`: flags that take the next word.
    `skips`: words between the flags and the command. `after_dashes`: the command stands behind `--` alone.
    `texts`: flags whose value is a shell text. `assigns`: `NAME=value` words are the command's environment.
    `is_text`: the command is joined and given to a shell. `feeds`: without a command it starts a shell.
    """

    verbs: frozenset[str] = frozenset()
    values: frozenset[str] = frozenset()
    skips: int = 0
    after_dashes: bool = False
    texts: frozenset[str] = frozenset()
    assigns: bool = False
    is_text: bool = False
    feeds: bool = False


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SUDO = Prefix(
    values=_words(
        "-u -g -h -p -C -T -r -t -D -R -U --user --group --host --prompt --chdir --close-from --command-timeout --role"
        " --type --chroot --other-user"
    ),
    assigns=True,
    feeds=True,
)
_RUN = _words("run")
_EXEC = _words("exec")

PREFIXES: dict[str, Prefix] = {
    "sudo": _SUDO,
    "sudo-rs": _SUDO,
    "doas": Prefix(values=_words("-u -C -a"), feeds=True),
    "nice": Prefix(values=_words("-n --adjustment")),
    "ionice": Prefix(values=_words("-c -n -p -P -u --class --classdata")),
    "chrt": Prefix(values=_words("-T -P -D"), skips=1),
    "taskset": Prefix(skips=1),
    "timeout": Prefix(values=_words("-k -s --kill-after --signal"), skips=1),
    "gtimeout": Prefix(values=_words("-k -s --kill-after --signal"), skips=1),
    "time": Prefix(values=_words("-f -o --format --output")),
    "gtime": Prefix(values=_words("-f -o --format --output")),
    "stdbuf": Prefix(values=_words("-i -o -e --input --output --error")),
    "strace": Prefix(values=_words("-e -o -p -s -u -E -a -b -I -O -P -S -X -U")),
    "ltrace": Prefix(values=_words("-e -o -p -s -u -a -n -l -x -D -F")),
    "caffeinate": Prefix(values=_words("-t -w")),
    "systemd-run": Prefix(values=_words("-p -u -E -M -H --unit --property --uid --gid --slice --description --setenv")),
    "flock": Prefix(
        values=_words("-w -E --timeout --wait --conflict-exit-code"), skips=1, texts=_words("-c --command")
    ),
    "chroot": Prefix(values=_words("--userspec --groups"), skips=1, feeds=True),
    "nsenter": Prefix(values=_words("-t --target -S -G"), feeds=True),
    "unshare": Prefix(values=_words("-S -G -R -w --map-user --map-group --setuid --setgid --root --wd"), feeds=True),
    "cpulimit": Prefix(values=_words("-l -p -e -P --limit --pid --exe --path")),
    "faketime": Prefix(values=_words("-p"), skips=1),
    "xvfb-run": Prefix(values=_words("-n -s -e -f -p -w --server-num --server-args --error-file --auth-file")),
    "watch": Prefix(values=_words("-n -q --interval --equexit"), is_text=True),
    "script": Prefix(
        values=_words("-I -O -B -m -T -o --log-io --log-in"), skips=1, texts=_words("-c --command -qc -qec")
    ),
    "watchexec": Prefix(values=_words("-w -e -i -f -d --watch --exts --ignore --filter --debounce")),
    "nodemon": Prefix(values=_words("-w -e -i --watch --ext --ignore"), texts=_words("-x --exec")),
    "dotenv": Prefix(values=_words("-e -v -p -f -o --file")),
    "dotenv-cli": Prefix(values=_words("-e -v -p -o")),
    "dotenvx": Prefix(verbs=_RUN, values=_words("-f -fk -fv -e --env-file --env --env-vault-file")),
    "env-cmd": Prefix(values=_words("-f -r -e -x --file --rc-file --environments")),
    "cross-env": Prefix(assigns=True),
    "cross-env-shell": Prefix(assigns=True, is_text=True),
    "op": Prefix(verbs=_RUN, values=_words("--env-file --account --config --cache --environment")),
    "doppler": Prefix(verbs=_RUN, values=_words("-p -c -t --project --config --token"), texts=_words("--command")),
    "infisical": Prefix(verbs=_RUN, values=_words("--env --path --projectId --token"), texts=_words("-c --command")),
    "aws-vault": Prefix(verbs=_EXEC, values=_words("-d -r --duration --region"), skips=1),
    "chamber": Prefix(verbs=_EXEC, after_dashes=True),
    "teller": Prefix(verbs=_RUN, values=_words("-c --config")),
    "direnv": Prefix(verbs=_EXEC, skips=1),
    "mise": Prefix(verbs=_words("exec x"), after_dashes=True, texts=_words("-c --command")),
    "rtx": Prefix(verbs=_words("exec x"), after_dashes=True, texts=_words("-c --command")),
    "nvm": Prefix(verbs=_words("exec run"), skips=1),
    "fnm": Prefix(verbs=_EXEC, values=_words("--using --version")),
    "volta": Prefix(verbs=_RUN, values=_words("--node --npm --yarn --pnpm")),
    "poetry": Prefix(verbs=_RUN, values=_words("-C -P --directory --project")),
    "uv": Prefix(verbs=_RUN, values=_words("--with -p --python --env-file --project --directory --extra --group -m")),
    "conda": Prefix(verbs=_RUN, values=_words("-n -p --name --prefix --cwd")),
    "nix": Prefix(
        verbs=_words("develop shell"), texts=frozenset(), values=_words("--inputs-from -f"), after_dashes=True
    ),
    "nix-shell": Prefix(texts=_words("--run --command"), values=_words("-p -A -I -E --arg --argstr")),
    "railway": Prefix(verbs=_RUN, values=_words("-s -e --service --environment")),
    "heroku": Prefix(verbs=_words("run local:run run:detached"), values=_words("-a -e -s --app --env --size")),
    "lerna": Prefix(verbs=_EXEC, after_dashes=True),
    "wait-for-it": Prefix(after_dashes=True),
    "wait-on": Prefix(after_dashes=True),
    "dockerize": Prefix(values=_words("-wait -timeout -template -stdout -stderr -env")),
    "tini": Prefix(values=_words("-p -e")),
    "gosu": Prefix(skips=1),
    "su-exec": Prefix(skips=1),
    "setuidgid": Prefix(skips=1),
    "envdir": Prefix(skips=1),
    "screen": Prefix(values=_words("-S -c -e -h -p -s -t -T -L -Logfile")),
    "pkexec": Prefix(values=_words("--user")),
    "firejail": Prefix(),
    "rlwrap": Prefix(values=_words("-a -b -C -f -g -H -l -p -P -S")),
    **dict.fromkeys(("nohup", "setsid", "unbuffer", "chronic", "fakeroot", "winpty", "catchsegv", "setpriv"), Prefix()),
    **dict.fromkeys(("busybox", "toybox", "dumb-init", "corepack", "entr", "ts-exec", "systemd-inhibit"), Prefix()),
    **dict.fromkeys(("proxychains4", "proxychains", "torsocks", "prlimit", "valgrind", "run0", "then"), Prefix()),
    **dict.fromkeys(("pipenv", "hatch", "pdm", "rye", "devbox", "rbenv"), Prefix(verbs=_words("run exec"))),
    **dict.fromkeys(("bundle", "asdf", "pyenv", "nodenv"), Prefix(verbs=_EXEC)),
}
"""How programs start others, by name."""


def run_prefix(call: Call, prefix: Prefix) -> Texts:
    """Start the command that a prefix program starts."""
    words = list(call.words[1:])
    if prefix.verbs:
        if not words or plain(words[0]) not in prefix.verbs:
            run_unknown(call)
            return UNKNOWN
        words.pop(0)
    if prefix.after_dashes:
        words = _behind_dashes(words, prefix)
        if not words:
            run_unknown(call)
    outputs = [run_text(call, text) for text in _take_flags(words, prefix)]
    inner = _with_environment(call, words, prefix)
    words = words[prefix.skips :]
    if words[:1] == ["--"]:
        words.pop(0)
    if not words:
        # What is fed to a user's shell runs there.
        return feed(inner) if prefix.feeds and not outputs else either(UNKNOWN, *outputs)
    if prefix.is_text:
        return run_text(inner, " ".join(words))
    return either(inner.start(tuple(words)), *outputs)


def _behind_dashes(words: list[str], prefix: Prefix) -> list[str]:
    """Return the words from `--` on, and a text flag's words before it."""
    if "--" in words:
        return words[words.index("--") :]
    return words if any(word in prefix.texts for word in words) else []


def _take_flags(words: list[str], prefix: Prefix) -> list[str]:
    """Take the flags off the front; return the shell texts that they carry."""
    texts: list[str] = []
    while words and plain(words[0]).startswith("-") and words[0] != ANY_WORDS:
        word = plain(words.pop(0))
        if word == "--":
            break
        name, equals, value = word.partition("=")
        if name in prefix.texts and (equals or words):
            texts.append(value if equals else words.pop(0))
        elif name in prefix.values and not equals and words:
            words.pop(0)
    if prefix.texts:
        texts += _late_texts(words, prefix)
    return texts


def _late_texts(words: list[str], prefix: Prefix) -> list[str]:
    """Find text flags behind the first words, as in `flock FILE -c TEXT`; they end the words."""
    for at, word in enumerate(words[:-1]):
        if plain(word) in prefix.texts and at <= prefix.skips:
            text = words[at + 1]
            del words[at:]
            return [text]
    return []


def _with_environment(call: Call, words: list[str], prefix: Prefix) -> Call:
    """Take `NAME=value` words off the front and let them hold for the command."""
    if not prefix.assigns:
        return call
    state = call.state.child()
    state.functions, state.aliases = {}, {}
    while words and re.match(r"[A-Za-z_]\w*=", plain(words[0])):
        name, _, value = plain(words.pop(0)).partition("=")
        state.variables[name] = scalar((value,))
        state.export(name)
    return call._replace(state=state)
