"""Programs that start the command behind their own words: how each one's options are told from that command."""

from __future__ import annotations

import re
from typing import NamedTuple

from runbook.guard.programs.shells import feed, run_text
from runbook.guard.programs.unknown import run_unknown
from runbook.guard.shell.call import Call
from runbook.guard.shell.scope import scalar
from runbook.guard.shell.texts import ANY_WORDS, UNKNOWN, Texts, either, plain

__all__ = ["PREFIXES", "Prefix", "run_prefix"]


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
    scope = call.scope.child()
    scope.functions, scope.aliases = {}, {}
    while words and re.match(r"[A-Za-z_]\w*=", plain(words[0])):
        name, _, value = plain(words.pop(0)).partition("=")
        scope.variables[name] = scalar((value,))
        scope.export(name)
    return call._replace(scope=scope)
