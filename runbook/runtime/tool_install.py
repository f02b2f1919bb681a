"""Install the pinned tools with npm into the user's cache, and start them to see their versions.

Nothing is ever half installed: npm works in a draft beside the place, the tools are started there, and only then the
draft is renamed. The place's name and its stamp contain the digest of the lock, so tools of another version of runbook
are never taken for these. What npm has downloaded stays in npm's own cache, so a second try goes on from there.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from runbook.errors import MissingPartError, RunbookError
from runbook.installation import command_that_adds_tools
from runbook.runtime.environment import child_environment, isolated_environment
from runbook.runtime.subprocesses import Answer, ask
from runbook.runtime.toolchain import (
    LOCK,
    MANIFEST,
    STAMP,
    CliPackage,
    cli_package,
    installation_directory,
    link_libraries,
    lock_digest,
    node_directory,
    oldest_node,
    package_in,
    pinned_cli,
    pinned_postgres,
    postgres_in,
    postgres_package,
)
from runbook.user_directories import make_private

__all__ = ["StartedTool", "install_tools", "program_version", "started_cli", "started_postgres", "started_tools"]

_ANSWER_SECONDS = 60
_INSTALL_SECONDS = 3600
"""npm gives up by itself after some minutes without data. This ends one that hangs for another reason."""
_NPM = (
    *("install", "--no-save", "--ignore-scripts", "--include=optional", "--no-audit", "--no-fund"),
    *("--no-update-notifier", "--global=false", "--loglevel=error"),
)
# Not `npm ci`: it refuses a lock made where the registry lacks another platform's optional binary. Both compare each
# package with the lock's digest.
_CAUSES = (
    (r"EINTEGRITY", "a downloaded package isn't the one that runbook pins. Find out which registry or proxy sent it"),
    (
        r"ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|FETCH_ERROR|CERT_|ERR_SOCKET",
        "npm couldn't reach its registry. Check your network connection and proxy, then run it again",
    ),
    (r"\bE40[13]\b", "the registry refused npm. Check npm's login: npm whoami"),
    (r"\bE404\b|ETARGET|ENOVERSIONS", "the registry lacks a pinned package. Which one is it: npm config get registry"),
    (r"ENOSPC|EDQUOT", "the disk is full. Make room, then run it again"),
    (r"EACCES|EPERM|EROFS", "npm can't write to one of its directories. `npm cache verify` names npm's own"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class StartedTool:
    """A tool that answered with its version, and where it is."""

    name: str
    version: str
    directory: Path
    origin: str

    def __str__(self) -> str:
        """Render as `Supabase CLI 3.1.0, /path (runbook setup)`."""
        return f"{self.name} {self.version}, {self.directory} ({self.origin})"


# --- starting -------------------------------------------------------------------------------------------------------


def started_tools() -> tuple[StartedTool, ...]:
    """Start each tool that drills would use from npm's packages. Raises MissingPartError for one that doesn't start."""
    clis = [started_cli(cli_package(major)) for major in sorted(pinned_cli(), reverse=True)]
    package = postgres_package()
    if package is None:
        raise MissingPartError(
            "the PostgreSQL that drills use isn't installed", hint=f"Install it with: {command_that_adds_tools()}"
        )
    return (*clis, started_postgres(package.directory, package.origin))


def started_cli(package: CliPackage) -> StartedTool:
    """Start a CLI and return its version. Raises MissingPartError if it doesn't start, or is another version."""
    words = (str(node_directory() / "node"), str(package.directory / "dist" / "supabase.js"), "--version")
    version = program_version(f"Supabase CLI {package.version}", words)
    if version != package.version:
        what = f"the Supabase CLI in {package.directory} says that it is {version}, its package says {package.version}"
        raise MissingPartError(what, hint="Install it again with: runbook setup --again")
    return StartedTool("Supabase CLI", version, package.directory, package.origin)


def started_postgres(package: Path, origin: str) -> StartedTool:
    """Start a package's PostgreSQL and return its version. Raises MissingPartError if it doesn't start."""
    with _linked(package / "native") as libraries:
        # macOS looks for libraries by the second name, everything else by the first.
        more = {"LD_LIBRARY_PATH": str(libraries), "DYLD_LIBRARY_PATH": str(libraries)} if libraries else {}
        program = package / "native" / "bin" / "postgres"
        version = program_version("PostgreSQL", (str(program), "--version"), more)
    return StartedTool("PostgreSQL", version, package, origin)


@contextmanager
def _linked(native: Path) -> Iterator[Path | None]:
    """Give a directory with the links to libraries that the package lacks, because no script of a package ran."""
    try:
        links = json.loads((native / "pg-symlinks.json").read_text(encoding="utf-8"))
        lacking = [link for link in links if not (native.parent / str(link["target"])).exists()]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MissingPartError(f"{native} isn't a whole PostgreSQL: {error}", hint=_AGAIN) from error
    if not lacking:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="runbook-libraries-") as directory:
        for link in lacking:
            (Path(directory) / Path(str(link["target"])).name).symlink_to(native.parent / str(link["source"]))
        yield Path(directory)


_AGAIN = "Install it again with: runbook setup --again"


def program_version(name: str, words: Sequence[str], more: Mapping[str, str] | None = None) -> str:
    """Start a program that prints its version, and return that. Raises MissingPartError if it doesn't start."""
    with tempfile.TemporaryDirectory(prefix="runbook-start-") as home:
        # Without a home, a token or a network: a program that only tells its version needs none.
        environment = {**isolated_environment(Path(home), proxy="http://127.0.0.1:9"), **(more or {})}
        answer = ask(words, directory=home, environment=environment, timeout=_ANSWER_SECONDS)
    numbers = [word for word in answer.stdout.split() if re.match(r"\d+\.", word)]
    if answer.code != 0 or not numbers:
        said = _last_lines(answer) or f"exit code {answer.code}"
        raise MissingPartError(f"{name} doesn't start ({' '.join(words[:-1])}): {said}", hint=_AGAIN)
    return numbers[0]


# --- installing -----------------------------------------------------------------------------------------------------


def install_tools() -> tuple[Sequence[StartedTool], Sequence[str]]:
    """Install all tools into the user's cache, in place of an earlier installation.

    Return the tools, and the names of packages that this system needs and the lock has no digest of. Raises
    MissingPartError without npm, and RunbookError if npm or a check fails; then nothing has changed.
    """
    npm, environment = _npm()
    place = installation_directory()
    try:
        for directory in (place.parent.parent, place.parent):
            make_private(directory)
        with _alone(place.parent):
            _remove_drafts(place.parent)
            draft = Path(tempfile.mkdtemp(prefix=_DRAFT, dir=place.parent))
            try:
                found = _fill(draft, npm, environment)
                _replace(place, draft)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        where = error.filename or place
        hint = "Make room or change the permissions, or set XDG_CACHE_HOME to another directory."
        raise RunbookError(f"can't install the tools: {where}: {error.strerror or error}", hint=hint) from error
    tools, unpinned = found
    return [_moved(tool, draft, place) for tool in tools], unpinned


_DRAFT = ".draft-"


def _npm() -> tuple[str, dict[str, str]]:
    """Return npm's path and the environment for it. Raises MissingPartError."""
    environment = child_environment(os.environ, {})
    node = ask(("node", "--version"), directory="/", environment=environment, timeout=_ANSWER_SECONDS)
    npm = shutil.which("npm", path=environment["PATH"])
    hint = f"Install Node.js {oldest_node()} or newer with npm (https://nodejs.org), then run it again."
    if node.code != 0 or npm is None:
        raise MissingPartError(f"{'npm' if node.code == 0 else 'node'} isn't on PATH", hint=hint)
    version = node.stdout.strip().removeprefix("v")
    major = version.partition(".")[0]
    if not major.isdecimal() or int(major) < oldest_node():
        raise MissingPartError(f"Node.js {version} is too old for the tools of drills", hint=hint)
    # npm's own settings name a company's registry, its certificate and npm's cache. The options above overrule those
    # that would change what is installed.
    own = {name: value for name, value in os.environ.items() if _NPM_SETTING.fullmatch(name)}
    return npm, {**environment, **own}


_NPM_SETTING = re.compile(
    r"npm_config_(?:registry|cache|cafile|ca|https?_proxy|proxy|noproxy|strict_ssl|userconfig|globalconfig|fetch_\w+|//.*)",
    re.IGNORECASE,
)


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Lock the directory against other installations of this user. Raises RunbookError if one is under way."""
    descriptor = os.open(directory / ".lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            hint = "Wait until it has ended, then run `runbook setup --check`."
            raise RunbookError("another `runbook setup` is installing the tools right now", hint=hint) from error
        yield
    finally:
        os.close(descriptor)


def _remove_drafts(directory: Path) -> None:
    """Remove what killed installations left. Call it with the lock."""
    for draft in directory.glob(f"{_DRAFT}*"):
        shutil.rmtree(draft, ignore_errors=True)


def _fill(draft: Path, npm: str, environment: Mapping[str, str]) -> tuple[Sequence[StartedTool], Sequence[str]]:
    """Install into the draft, check it, and stamp it."""
    for file in (MANIFEST, LOCK):
        shutil.copyfile(file, draft / file.name)
    answer = ask(
        (npm, *_NPM, "--prefix", str(draft)), directory=str(draft), environment=environment, timeout=_INSTALL_SECONDS
    )
    if answer.code != 0:
        said = f"{answer.stderr}\n{answer.stdout}"
        cause = next((text for pattern, text in _CAUSES if re.search(pattern, said)), "")
        hint = f"{cause}." if cause else "Nothing was installed. Fix the error, then run it again."
        raise RunbookError(f"npm couldn't install the tools: {_last_lines(answer)}", hint=hint)
    modules = draft / "node_modules"
    unpinned = _compare_with_lock(modules)
    tools = [started_cli(_package(modules, major)) for major in sorted(pinned_cli(), reverse=True)]
    package = postgres_in(modules)
    if package is None:
        hint = "Drills can use a PostgreSQL of yours: runbook drill --postgres URL"
        raise MissingPartError("npm has no PostgreSQL for this kind of machine", hint=hint)
    link_libraries(package / "native")
    postgres = started_postgres(package, "")
    if not pinned_postgres().startswith(f"{postgres.version}."):
        raise RunbookError(f"npm installed PostgreSQL {postgres.version}, not {pinned_postgres()}", hint=_AGAIN)
    tools.append(postgres)
    stamp = {"lock": lock_digest(), **{f"{tool.name} {tool.version.split('.')[0]}": tool.version for tool in tools}}
    (draft / STAMP).write_text(json.dumps(stamp, indent=2) + "\n", encoding="utf-8")
    return tools, unpinned


def _package(modules: Path, major: int) -> CliPackage:
    names = {package_in(path).major: path for path in modules.glob("supabase*") if (path / "package.json").is_file()}
    if major not in names:
        raise RunbookError(f"npm installed no Supabase CLI {major}", hint="Run it again, or report this as a bug.")
    found = package_in(names[major])
    if found.version != pinned_cli()[major]:
        raise RunbookError(f"npm installed Supabase CLI {found.version}, not {pinned_cli()[major]}", hint=_AGAIN)
    return found


def _compare_with_lock(modules: Path) -> list[str]:
    """Compare what npm says that it installed with the lock. Return the packages that the lock has no digest of.

    Raises RunbookError if a package isn't the locked one.
    """
    locked = json.loads(LOCK.read_text(encoding="utf-8"))["packages"]
    try:
        installed = json.loads((modules / ".package-lock.json").read_text(encoding="utf-8"))["packages"]
        pins = {name: (each["version"], each.get("integrity")) for name, each in installed.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunbookError(f"npm left no readable record of what it installed: {error}", hint=_AGAIN) from error
    wrong = [name for name, pin in pins.items() if name in locked and pin != _pin(locked[name])]
    if wrong:
        hint = "Find out which registry or proxy sent it: npm config get registry"
        raise RunbookError(f"npm installed another package than the pinned one: {', '.join(sorted(wrong))}", hint=hint)
    return sorted(f"{name.rpartition('node_modules/')[2]} {pin[0]}" for name, pin in pins.items() if name not in locked)


def _pin(locked: Mapping[str, str]) -> tuple[str, str]:
    return locked["version"], locked["integrity"]


def _replace(place: Path, draft: Path) -> None:
    """Put the draft in its place. An earlier installation is moved away first, then removed."""
    if place.exists():
        old = Path(tempfile.mkdtemp(prefix=_DRAFT, dir=place.parent))
        place.rename(old / "old")
        draft.rename(place)
        shutil.rmtree(old, ignore_errors=True)
    else:
        draft.rename(place)


def _moved(tool: StartedTool, draft: Path, place: Path) -> StartedTool:
    inside = tool.directory.relative_to(draft.resolve())
    return StartedTool(tool.name, tool.version, place / inside, "runbook setup")


def _last_lines(answer: Answer) -> str:
    """Return what of an answer says what went wrong, without npm's marks and its log's path."""
    said = (answer.stderr or answer.stdout).splitlines()
    lines = [re.sub(r"^npm (?:error|ERR!) ?", "", line).strip() for line in said]
    told = [line for line in lines if line and "complete log of this run" not in line]
    named = [line for line in told if re.match(r"\w*Error: ", line)]  # Node.js puts it above the stack
    if named:
        return named[0][:400]
    return "; ".join(told[:3] if len(told) > 3 and told[0].startswith("code ") else told[-3:])[:400]
