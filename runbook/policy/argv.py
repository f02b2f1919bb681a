"""Read one argv: the program it really starts, its words, its flags, and the hosts that its URLs reach. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

__all__ = [
    "Flag",
    "Invocation",
    "Words",
    "addresses_in",
    "host_of",
    "invocation_of",
    "is_elsewhere",
    "is_loopback",
    "read_words",
]

_FALSE = frozenset({"false", "no", "off", "0", "n", "f"})
_TRUE = frozenset({"true", "yes", "on", "1", "y", "t"})

_PACKAGE_FLAGS = frozenset({"-p", "--package"})
_LAUNCHER_VALUE_FLAGS = frozenset(
    {"-C", "-F", "-w", "-r", "--cache", "--config", "--cwd", "--dir", "--env-file", "--filter", "--import", "--loader"}
    | {"--node-options", "--prefix", "--registry", "--require", "--userconfig", "--workspace"}
)
_LAUNCHERS: dict[str, frozenset[str]] = {
    **dict.fromkeys(("npx", "bunx", "pnpx", "node"), frozenset()),
    "npm": frozenset({"exec", "x"}),
    "pnpm": frozenset({"exec", "dlx", "x"}),
    "yarn": frozenset({"exec", "dlx"}),
    "bun": frozenset({"x"}),
    "deno": frozenset({"run", "x"}),
}
"""Programs that start another one, with the words that must come first. Without such words, they always do."""
_SCRIPT_WORDS = frozenset({"run", "run-script"})
_SHELL_FLAGS = frozenset({"-c", "--call", "-e", "--eval", "--print"})
"""With these, a launcher runs a text, and the argv doesn't show what that does."""
_SUFFIXES = (".exe", ".cmd", ".ps1", ".mjs", ".cjs", ".js")
_MAIN_FILES = frozenset({"bin", "cli", "index", "main"})
_PACKAGE_PATH = re.compile(r"node_modules/(?:@[^/]+/)?([^/@.][^/]*)/")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_NOT_DATABASES = ("http://", "https://", "file://", "ftp://", "docker://")
# npm also accepts ranges: `supabase@^2.1`, `supabase@~3`.
_MAJOR = re.compile(r"[~^=v]*(\d+)(?:\.|$)")


class Flag(NamedTuple):
    """A flag as given; `value` is None if it has none.

    `is_off` says that its value means no: both CLI majors accept `--linked=false` and `--yes 0`. A flag that takes a
    value is never off: `-o f` names a file.
    """

    name: str
    value: str | None = None
    is_off: bool = False


class Invocation(NamedTuple):
    """The program that an argv really starts, after `npx` and the like.

    `program` is a bare name in lower case; `major` is that of the version given to the launcher (`supabase@2.109.1`).
    """

    program: str
    arguments: tuple[str, ...]
    major: int | None = None


class Words(NamedTuple):
    """Arguments, split into flags and words. `after` has the words after `--`, which are also in `positionals`."""

    positionals: tuple[str, ...]
    flags: tuple[Flag, ...]
    after: tuple[str, ...] = ()

    def has(self, name: str) -> bool:
        """Whether that flag is given and not switched off."""
        return any(flag.name == name and not flag.is_off for flag in self.flags)

    def values(self, *names: str) -> tuple[str, ...]:
        """Return the values given to any of these flags, in order."""
        return tuple(flag.value for flag in self.flags if flag.name in names and flag.value is not None)


def invocation_of(argv: Sequence[str]) -> Invocation:
    """Return the program that an argv starts, through package runners, paths, versions and script files."""
    name, major = _program(argv[0]) if argv else ("", None)
    rest = tuple(argv[1:])
    if name == "corepack" and rest:
        return invocation_of(rest)
    launched = _launched(name, rest) if name in _LAUNCHERS else None
    return launched or Invocation(name, rest, major)


def _launched(launcher: str, rest: tuple[str, ...]) -> Invocation | None:
    """Return what a launcher starts, or None if it does something of its own (`npm install`, `npx -c LINE`)."""
    options, words = _split_launcher(rest)
    # Deno's `-c` names its configuration file. After `run`, it accepts no code on its command line.
    if launcher != "deno" and any(flag.name in _SHELL_FLAGS for flag in options):
        return None
    if launcher == "yarn" and words[:1] == ("workspace",):
        words = words[2:]
    needs = _LAUNCHERS[launcher]
    runs = bool(words) and words[0] in needs
    if runs or (words and needs and words[0] in _SCRIPT_WORDS):
        more, words = _split_launcher(words[1:])
        options = (*options, *more)
    # `yarn supabase`, `npm run supabase`: without `exec`, only the CLI's own name counts as a program.
    if not words or (needs and not runs and _program(words[0])[0] != "supabase"):
        return None
    if launcher == "node" and words[0].replace("\\", "/").endswith(("/npm-cli.js", "/npx-cli.js")):
        return invocation_of((_program(words[0])[0].removesuffix("-cli"), *words[1:]))
    told = [_program(flag.value)[1] for flag in options if flag.name in _PACKAGE_FLAGS and flag.value]
    name, major = _program(words[0])
    # npm removes the first `--` after the package, but npx passes it to the CLI. Treating it as removed can only make
    # a line look more dangerous than it is.
    arguments = words[2:] if words[1:2] == ("--",) and launcher != "node" else words[1:]
    return Invocation(name, arguments, major or next((one for one in told if one), None))


def _split_launcher(rest: tuple[str, ...]) -> tuple[tuple[Flag, ...], tuple[str, ...]]:
    """Split a launcher's own leading flags from the words after them."""
    flags: list[Flag] = []
    at = 0
    while at < len(rest) and rest[at].startswith("-"):
        name, equals, inline = rest[at].partition("=")
        takes = not equals and name in _LAUNCHER_VALUE_FLAGS | _PACKAGE_FLAGS
        flags.append(Flag(name, rest[at + 1] if takes and at + 1 < len(rest) else inline or None))
        at += 2 if takes else 1
    return tuple(flags), rest[at:]


def _program(word: str) -> tuple[str, int | None]:
    """Return the bare program name that a word means, and the major of a `name@version`."""
    path = word.removeprefix("npm:").replace("\\", "/").rstrip("/").lower()
    last = path.rsplit("/", 1)[-1]
    name, _, version = last.partition("@") if not last.startswith("@") else (last, "", "")
    for suffix in _SUFFIXES:
        name = name.removesuffix(suffix)
    # `node_modules/prisma/build/index.js` is Prisma.
    package = _PACKAGE_PATH.search(path) if name in _MAIN_FILES else None
    found = _MAJOR.match(version)
    return package[1] if package else name, int(found.group(1)) if found else None


def read_words(arguments: Sequence[str], value_flags: Collection[str]) -> Words:
    """Split arguments into flags and words.

    A flag in `value_flags` takes the next word. After any long flag, `true`, `no`, `0` … is its value, as in both CLI
    majors. Short flags can be combined (`-Atc TEXT`), unless `value_flags` has them as one (`-database`).
    """
    positionals: list[str] = []
    flags: list[Flag] = []
    after: tuple[str, ...] = ()
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word == "--":
            after, rest = tuple(rest), []
        elif not word.startswith("-") or word == "-":
            positionals.append(word)
        else:
            *others, last = _flags_in(word, value_flags)
            says_so = rest and last.name.startswith("--") and rest[0].lower() in _FALSE | _TRUE
            takes = last.value is None and rest and (says_so or last.name in value_flags)
            value = rest.pop(0) if takes else last.value
            is_off = value is not None and value.lower() in _FALSE and last.name not in value_flags
            flags += (*others, Flag(last.name, value, is_off))
    return Words((*positionals, *after), tuple(flags), after)


def _flags_in(word: str, value_flags: Collection[str]) -> list[Flag]:
    """Split `--name=value`, `-n=value`, `-nvalue` and `-abn`."""
    name, equals, value = word.partition("=")
    if word.startswith("--") or word[2:3] == "=" or (len(name) > 2 and name in value_flags):
        return [Flag(name, value if equals else None)]
    found: list[Flag] = []
    for at, letter in enumerate(word[1:], start=2):
        takes = f"-{letter}" in value_flags
        found.append(Flag(f"-{letter}", word[at:] or None if takes else None))
        if takes:
            break
    return found


def host_of(target: str) -> str | None:
    """Return the host in a database URL or `host=` string, "" if it names none, or None if it's neither.

    The URL may be of any kind (`postgresql+asyncpg://`, `jdbc:postgresql://`). A text that can't be read, or names
    several hosts or a service, is returned whole: it never equals a loopback host.
    """
    target = target.removeprefix("jdbc:")
    if not _URL.match(target):
        if re.search(r"(^|\s)service\s*=", target):
            return target
        found = re.findall(r"(?:^|\s)host(?:addr)?\s*=\s*'?([^\s']*)", target)
        # libpq uses the last of several. `dbname=x` without a host means the local socket.
        return str(found[-1]) if found else "" if re.match(r"\s*\w+\s*=", target) else None
    from urllib.parse import unquote, urlsplit  # the guard counts milliseconds

    try:
        parts = urlsplit(target)
        named = unquote(parts.hostname or "")
    except ValueError:
        return target
    other = re.findall(r"(?:^|&)(host|hostaddr|service)=([^&]*)", parts.query)
    if "," in parts.netloc or any(key == "service" for key, _ in other):
        return target
    return unquote(other[-1][1]) if other else named


def addresses_in(words: Sequence[str]) -> list[str]:
    """Return the addresses of databases in words: URLs other than web pages', and `host=` texts."""
    urls = (re.search(r"[a-z][a-z0-9+.-]*://\S*", word, re.IGNORECASE) for word in words)
    named = [url[0] for url in urls if url and not url[0].lower().startswith(_NOT_DATABASES)]
    return [*named, *(word for word in words if re.match(r"([^/]*\s)?host(addr)?\s*=", word))]


def is_elsewhere(host: str) -> bool:
    """Whether a host is certainly another machine. A name without a dot may be a container of this one."""
    if "$" in host or is_loopback(host) or host.lower().endswith((".localhost", "host.docker.internal")):
        return False
    return "." in host or ":" in host


def is_loopback(host: str) -> bool:
    """Whether a host is this machine: a loopback name or address, a socket's directory, or none at all."""
    bare = host.strip("[]").lower()
    return bare in {"", "localhost", "::1"} or bare.startswith("/") or bool(re.fullmatch(r"127(\.\d{1,3}){3}", bare))
