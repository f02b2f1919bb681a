"""Commands started elsewhere (another user, host, container, terminal, a later time)."""

from __future__ import annotations

import re

from runbook.guard.programs.outputs import note_copies
from runbook.guard.programs.shells import feed, run_text
from runbook.guard.shell.call import Call
from runbook.guard.shell.shell_state import ShellState, scalar
from runbook.guard.shell.texts import ANY_WORDS, UNKNOWN, Texts, either, plain

_SSH_VALUES = frozenset(f"-{letter}" for letter in "BbcDEeFIiJLlmOopPQRSWw")
_SU_VALUES = frozenset({"-s", "-g", "-G", "-w", "--shell", "--group", "--supp-group", "--whitelist-environment"})
# The flags that take no value are fewer than those that do.
_DOCKER_SWITCHES = re.compile(
    r"-[dithPqT]+$|--(detach|rm|init|interactive|tty|privileged|publish-all|read-only|no-healthcheck|quiet|no-deps"
    r"|service-ports|build|use-aliases|no-tty|no-TTY|sig-proxy|oom-kill-disable|disable-content-trust|remove-orphans)$"
)
_COMPOSE_VALUES = frozenset({"-f", "-p", "--file", "--project-name", "--env-file", "--profile", "--project-directory"})
_DOCKER_VALUES = frozenset({"-H", "-c", "-l", "--host", "--context", "--config", "--log-level"})
_KUBECTL_VALUES = frozenset({"-n", "--namespace", "-c", "--container", "--context", "--kubeconfig", "-f"})
_TMUX_VALUES = frozenset({"-t", "-s", "-n", "-c", "-F", "-e", "-x", "-y", "-f", "-L", "-S", "-l"})
_TMUX_STARTS = frozenset(
    {"new", "new-session", "neww", "new-window", "splitw", "split-window", "respawn-pane", "respawnp", "respawn-window"}
    | {"run", "run-shell", "if-shell", "send", "send-keys", "display-popup", "popup", "pipe-pane"}
)


def _skip_flags(words: list[str], values: frozenset[str]) -> None:
    """Remove the flags at the front. After `--`, there are none."""
    while words and plain(words[0]).startswith("-") and words[0] != ANY_WORDS:
        word = plain(words.pop(0))
        if word == "--":
            return
        if word in values and words:
            words.pop(0)


def run_ssh(call: Call) -> Texts:
    """`ssh HOST WORDS`: the words become one line for a shell there. Without words, the input does."""
    words = list(call.words[1:])
    _skip_flags(words, _SSH_VALUES)
    if words:
        words.pop(0)
    # ssh takes flags on both sides of the host.
    _skip_flags(words, _SSH_VALUES)
    return run_text(call, " ".join(words)) if words else feed(call)


def run_su(call: Call) -> Texts:
    """`su USER -c TEXT` and `runuser -u USER -- COMMAND`."""
    words = list(call.words[1:])
    texts: list[str] = []
    others: list[str] = []
    has_user = False
    while words:
        word = plain(words.pop(0))
        if word == "--":
            break
        name, equals, value = word.partition("=")
        # Short flags may be joined: `su -lc TEXT`.
        if re.fullmatch(r"-[a-z]*c|--command|--session-command", name) and (equals or words):
            texts.append(value if equals else words.pop(0))
        elif word in _SU_VALUES and words:
            words.pop(0)
        elif word in {"-u", "--user"} and words:
            words.pop(0)
            has_user = True
        elif not word.startswith("-"):
            others.append(word)
    if texts:
        return either(*(run_text(call, text) for text in texts))
    if has_user and (others or words):
        return call.start((*others, *words))
    return feed(call)


def run_docker(call: Call) -> Texts:
    """`docker run IMAGE COMMAND`, `docker exec CONTAINER COMMAND`, `docker compose …`."""
    words = list(call.words[1:])
    _skip_flags(words, _DOCKER_VALUES)
    if words and plain(words[0]) == "container":
        words.pop(0)
    verb = plain(words.pop(0)) if words else ""
    if verb == "compose":
        return run_compose(call.with_words(call.words[0], *words))
    if verb == "cp":
        note_copies(call.with_words(call.words[0], *words))
    return _in_container(call, words) if verb in {"run", "exec", "create"} else UNKNOWN


def run_compose(call: Call) -> Texts:
    """`docker compose run|exec SERVICE COMMAND`."""
    words = list(call.words[1:])
    _skip_flags(words, _COMPOSE_VALUES)
    verb = plain(words.pop(0)) if words else ""
    if verb == "cp":
        note_copies(call.with_words(call.words[0], *words))
    return _in_container(call, words) if verb in {"run", "exec"} else UNKNOWN


def _in_container(call: Call, words: list[str]) -> Texts:
    entry: str | None = None
    call = call._replace(state=call.state.child())
    while words and plain(words[0]).startswith("-") and words[0] != ANY_WORDS:
        word = plain(words.pop(0))
        name, equals, value = word.partition("=")
        if name == "--entrypoint":
            entry = value if equals else plain(words.pop(0)) if words else ""
        elif not equals and not _DOCKER_SWITCHES.match(word) and words:
            value = plain(words.pop(0))
        if name in {"-e", "--env"}:
            _set(call.state, value)
    if not words:
        return UNKNOWN
    image = plain(words.pop(0))
    # The entry point gets the words as arguments, without a shell in between.
    if entry is not None:
        return call.start((entry, *words))
    started = call.start(tuple(words)) if words else feed(call)
    # The image of the CLI takes its arguments.
    name = re.sub(r"[:@].*$", "", image.rsplit("/", 1)[-1])
    if "supabase" in image and name in {"cli", "supabase", "supabase-cli"}:
        return either(started, call.start(("supabase", *words)))
    # So do those of migration tools: `docker run migrate/migrate -database URL drop`.
    if name in call.shell.outline.programs:
        return either(started, call.start((name, *words)))
    return started


def _set(state: ShellState, setting: str) -> None:
    """Set a variable that the container gets: `NAME=value`, or `NAME` for the caller's own."""
    name, equals, value = setting.partition("=")
    if equals and name.isidentifier():
        state.variables[name] = scalar((value,))
        state.export(name)


def run_kubectl(call: Call) -> Texts:
    """`kubectl exec POD -- COMMAND`."""
    words = list(call.words[1:])
    _skip_flags(words, _KUBECTL_VALUES)
    if words and plain(words[0]) == "cp":
        note_copies(call.with_words(call.words[0], *words[1:]))
    if not words or plain(words[0]) not in {"exec", "run", "debug"}:
        return UNKNOWN
    if "--" in words:
        words = words[words.index("--") + 1 :]
        return call.start(tuple(words)) if words else UNKNOWN
    rest = words[1:]
    _skip_flags(rest, _KUBECTL_VALUES)
    return call.start(tuple(rest[1:])) if rest[1:] else feed(call)


def run_tmux(call: Call) -> Texts:
    """`tmux new-session 'TEXT'` and `tmux send-keys 'TEXT' Enter`."""
    words = list(call.words[1:])
    _skip_flags(words, _TMUX_VALUES)
    if not words or plain(words.pop(0)) not in _TMUX_STARTS:
        return UNKNOWN
    _skip_flags(words, _TMUX_VALUES)
    # Names of keys, not text.
    words = [word for word in words if plain(word) not in {"Enter", "C-m", "ENTER", "KPEnter"}]
    return run_text(call, " ".join(words)) if words else UNKNOWN


def run_crontab(call: Call) -> Texts:
    """`crontab -` keeps lines from its input for later: five fields of time, or a nickname, and a command."""
    for text in call.state.stdin or () if "-l" not in call.arguments else ():
        for line in text.splitlines():
            match = re.match(r"\s*(?:@\w+|(?:\S+\s+){4}\S+)\s+(.+)", line)
            if match and not line.lstrip().startswith("#"):
                run_text(call, match[1])
    return UNKNOWN
