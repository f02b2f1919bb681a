"""The environments that figures are measured in: an installed runbook, and each group of peers, pinned, on its own.

They are made once, below `.bench/` in the checkout, and made again when what they are made of has changed.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

__all__ = ["MissingPeerError", "installed_runbook", "node_peer", "peer"]

ROOT = Path(__file__).resolve().parents[1]
_HOME = ROOT / ".bench"
_PEERS = ROOT / "benchmarks/peers"
_PYTHONS = {"runners": (3, 12)}
"""Groups of peers that need a newer Python than this project."""


class MissingPeerError(Exception):
    """A peer can't be installed here. The message says why, and what would help."""


def installed_runbook() -> Path:
    """Return the `bin` directory of an environment with the wheel of this checkout and what it needs, nothing else."""
    report = ":!runbook/site/data/benchmarks.json"  # writing it makes nothing slower
    files = subprocess.run(
        ["git", "ls-files", "-z", "runbook", "pyproject.toml", "setup.py", "requirements/runbook.txt", report],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.split("\0")  # fmt: skip
    contents = [(ROOT / name).read_bytes() for name in files if name and (ROOT / name).is_file()]
    return _environment("runbook", (3, 11), contents, [["-r", "requirements/runbook.txt"], ["--no-deps", "."]])


def peer(group: str, program: str) -> Path:
    """Return the path of a peer's program. Raises MissingPeerError."""
    lock = _PEERS / f"{group}.txt"
    words = ["--require-hashes", "-r", str(lock)]
    return _environment(group, _PYTHONS.get(group, (3, 11)), [lock.read_bytes()], [words]) / program


def node_peer(group: str, program: str) -> Path:
    """Return the path of a peer's program from npm. Raises MissingPeerError."""
    files = [_PEERS / group / name for name in ("package.json", "package-lock.json")]

    def make(directory: Path) -> None:
        directory.mkdir(parents=True)
        for file in files:
            shutil.copy(file, directory)
        _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(directory)])

    return _made(group, [file.read_bytes() for file in files], make) / "node_modules/.bin" / program


@cache
def _python(least: tuple[int, int]) -> str | None:
    """Return a Python that is new enough and can make an environment: the newest on PATH, or one of pyenv's."""
    for minor in range(20, least[1] - 1, -1):
        name = f"python{least[0]}.{minor}"
        installed = sorted(Path.home().glob(f".pyenv/versions/*/bin/{name}"))
        for found in (shutil.which(name), *map(str, installed)):
            # pyenv has a program of each name on PATH, and most of them only say that the version isn't chosen.
            if found and _succeeds([found, "-c", "import venv, ensurepip"]):
                return found
    return None


def _succeeds(argv: Sequence[str]) -> bool:
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0


def _environment(
    name: str, least: tuple[int, int], contents: Sequence[bytes], installs: Sequence[Sequence[str]]
) -> Path:
    def make(directory: Path) -> None:
        python = _python(least)
        if python is None:
            raise MissingPeerError(
                f"needs Python {least[0]}.{least[1]} or newer, and there is none on PATH or among pyenv's"
            )
        _run([python, "-m", "venv", str(directory)])
        for words in installs:
            _run([str(directory / "bin/python"), "-m", "pip", "install", "--quiet", *words])

    return _made(name, contents, make) / "bin"


def _made(name: str, contents: Sequence[bytes], make: Callable[[Path], None]) -> Path:
    """Return a directory that was made of these contents; make it if it wasn't."""
    directory = _HOME / name
    stamp = directory / "made-of"
    digest = hashlib.sha256(b"\0".join(contents)).hexdigest()
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != digest:
        shutil.rmtree(directory, ignore_errors=True)
        make(directory)
        stamp.write_text(digest, encoding="utf-8")
    return directory


def _run(argv: Sequence[str]) -> None:
    ran = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    if ran.returncode:
        said = re.findall(r"^ERROR: (.+)$", ran.stderr, re.MULTILINE) or ran.stderr.strip().splitlines()
        raise MissingPeerError(f"couldn't be installed: {said[0] if said else f'{argv[0]} failed'}")
