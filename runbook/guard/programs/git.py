"""Follow git: its words are data, except the few that are commands, and the aliases that it replaces by others."""

from __future__ import annotations

import re

from runbook.guard.programs.shells import run_script, run_text
from runbook.guard.shell.call import Call
from runbook.guard.shell.texts import UNKNOWN, Texts, is_known, plain, quoted_words

__all__ = ["QUIET_VERBS", "run_git"]

_VALUES = frozenset({"-C", "--git-dir", "--work-tree", "--namespace", "--exec-path", "--super-prefix", "--config-env"})
_COMMANDS = re.compile(r"(core\.(editor|pager|sshcommand|fsmonitor)|sequence\.editor|diff\.external)=(.*)", re.DOTALL)
_TEXTS = {
    "rebase": re.compile(r"-x|--exec"),
    "difftool": re.compile(r"-x|--extcmd"),
    "filter-branch": re.compile(r"--\w+-filter"),
    "filter-repo": re.compile(r"--\w+-callback"),
}


def run_git(call: Call) -> Texts:
    """Run what `-c`, `bisect run`, `rebase --exec`, `submodule foreach` and the like would start."""
    words = list(call.words[1:])
    hooks: list[str] = []
    while words and plain(words[0]).startswith("-"):
        word = plain(words.pop(0))
        if word == "-c" and words:
            setting = plain(words.pop(0))
            name, _, value = setting.partition("=")
            hooks += [value] if name.lower() == "core.hookspath" else []
            _configured(call, setting)
        elif word in _VALUES and words:
            words.pop(0)
    if not words:
        return UNKNOWN
    verb, rest = plain(words[0]), words[1:]
    if _run_alias(call, verb, rest):
        return UNKNOWN
    for name in _HOOKS.get(verb, ()) if hooks and "--no-verify" not in call.arguments else ():
        path = f"{hooks[-1]}/{name}"
        run_script(call.with_words(path), path)
    _note_changes(call, verb, [plain(word) for word in rest])
    if verb == "bisect" and rest and plain(rest[0]) == "run":
        return call.start(tuple(rest[1:]))
    if verb == "submodule" and "foreach" in rest:
        text = [word for word in rest[rest.index("foreach") + 1 :] if not plain(word).startswith("-")]
        return run_text(call, " ".join(text))
    # `git commit -m "…"` and everything else that takes text as data is left alone.
    if verb in _TEXTS:
        _flagged(call, _TEXTS[verb], rest)
    return _committed(call, plain(rest[0])) if verb == "show" and len(rest) == 1 else UNKNOWN


def _committed(call: Call, name: str) -> Texts:
    """Return the text of `HEAD:PATH`: that of the file, unless the line itself has changed it."""
    revision, _, path = name.partition(":")
    if revision not in {"HEAD", "@"} or not path or call.state.is_written(path):
        return UNKNOWN
    for directory in call.state.directories_above():
        place = f"{directory}/{path}"
        if not path.startswith("./") and call.shell.contents(f"{directory}/.git/HEAD", call.state) is None:
            continue  # a path without a dot begins at the root of the repository
        return call.shell.contents(place, call.state) or UNKNOWN
    return UNKNOWN


_ALIASES = "git "
"""Before the name of a git alias among the shell's own, which contain no blank."""
_VERBS = frozenset(
    """
    add am apply archive bisect blame branch bundle checkout cherry-pick clean clone commit config describe diff
    difftool fetch filter-branch for-each-ref format-patch fsck gc grep help init lfs log ls-files ls-remote ls-tree
    maintenance merge mergetool mv notes pull push rebase reflog remote reset restore rev-list rev-parse revert rm
    shortlog show show-ref sparse-checkout stash status submodule switch symbolic-ref tag version worktree
    """.split()  # noqa: SIM905 - a list of this length is read best as text
)
"""git's own verbs. An alias can't replace them."""
QUIET_VERBS = _VERBS - {*_TEXTS, "bisect", "submodule"}
"""Those that start nothing that is named in their words."""


def _note_alias(call: Call, words: list[str]) -> None:
    """`git config [set] alias.NAME TEXT`: the alias can be used in the same line."""
    words = [word for word in words if word not in {"set", "get"}]
    if len(words) > 1 and words[0].lower().startswith("alias."):
        call.state.aliases[_ALIASES + words[0][len("alias.") :]] = words[1]


def _run_alias(call: Call, verb: str, rest: list[str]) -> bool:
    """Run a git alias that the line stored, or that the repository has. Return whether there is one."""
    text = call.state.aliases.get(_ALIASES + verb) or _alias_in_environment(call, verb) or _stored_alias(call, verb)
    if text is None:
        return False
    inner = call._replace(state=call.state.copy())
    inner.state.aliases.pop(_ALIASES + verb, None)
    words = quoted_words(rest)
    if text.startswith("!"):
        run_text(inner, f"{text[1:]} {words}")
    elif text.split()[:1] != [verb]:
        run_text(inner, f"git {text} {words}")
    return True


def _alias_in_environment(call: Call, verb: str) -> str | None:
    """Return an alias that GIT_CONFIG_KEY_0, GIT_CONFIG_VALUE_0 and so on set."""
    names = (name for name, key in call.state.environment.items() if key == f"alias.{verb}")
    return next((call.state.environment.get(name.replace("_KEY_", "_VALUE_")) for name in names), None)


def _run_hooks(call: Call) -> None:
    """Run the hooks that the line itself wrote: git starts them."""
    for path, texts in list(call.state.files.items()):
        if "/hooks/" in path or "/.husky/" in path:
            for text in texts:
                call.shell.guess(text, call.state)


_COMMIT_HOOKS = ("pre-commit", "prepare-commit-msg", "commit-msg", "post-commit")
_HOOKS = {
    "commit": (*_COMMIT_HOOKS, "post-rewrite"),
    "push": ("pre-push",),
    "merge": ("pre-merge-commit", "post-merge", *_COMMIT_HOOKS),
    "pull": ("pre-merge-commit", "post-merge", "pre-rebase", "post-checkout"),
    "checkout": ("post-checkout",),
    "switch": ("post-checkout",),
    "rebase": ("pre-rebase", "post-checkout", "post-rewrite"),
    "am": ("applypatch-msg", "pre-applypatch", "post-applypatch"),
    "cherry-pick": _COMMIT_HOOKS,
}
"""The hooks that a verb may start."""


def _note_changes(call: Call, verb: str, rest: list[str]) -> None:
    """Note an alias that is stored, and a place that gets a repository's files. Run the hooks that the line wrote."""
    if verb in _HOOKS and call.state.files:
        _run_hooks(call)
    words = [word for word in rest if not word.startswith("-")]
    if verb == "config":
        _note_alias(call, words)
    elif verb == "worktree" and words[:1] == ["add"] and len(words) > 1:
        call.state.copy_files(".", words[1])
    elif verb == "clone" and len(words) > 1 and "://" not in words[0]:
        call.state.copy_files(words[0].removesuffix("/.git"), words[1])


_ALIAS_SECTION = re.compile(r"(?ims)^[ \t]*\[alias\][ \t]*$(.*?)(?=^[ \t]*\[|\Z)")


def _stored_alias(call: Call, verb: str) -> str | None:
    """Return an alias from the configuration of the repository here."""
    if verb in _VERBS or not is_known(verb):
        return None
    for directory in call.state.directories_above():
        for text in call.shell.contents(f"{directory}/.git/config", call.state) or ():
            for section in _ALIAS_SECTION.findall(text):
                match = re.search(rf"(?im)^[ \t]*{re.escape(verb)}[ \t]*=[ \t]*(.*)$", section)
                if match:
                    value = match[1].strip()
                    return value[1:-1].replace('\\"', '"') if value.startswith('"') else value
    return None


def _configured(call: Call, setting: str) -> None:
    """`-c alias.x='!TEXT'` and settings that name a program."""
    name, _, value = setting.partition("=")
    if name.startswith("alias.") and value.startswith("!"):
        run_text(call, value[1:])
    match = _COMMANDS.match(setting)
    if match:
        run_text(call, match[3])


def _flagged(call: Call, flag: re.Pattern[str], words: list[str]) -> None:
    for at, word in enumerate(words):
        name, equals, value = plain(word).partition("=")
        if flag.fullmatch(name) and (equals or at + 1 < len(words)):
            run_text(call, value if equals else words[at + 1])
