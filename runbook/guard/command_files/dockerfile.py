"""Read Dockerfiles: what runs when an image is built, and when it starts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from runbook.guard.command_files.contents import Command, Contents, Piece, Task

__all__ = ["read_dockerfile"]

_INSTRUCTION = re.compile(
    r"[ \t]*(?:ONBUILD[ \t]+)?(RUN|CMD|ENTRYPOINT|HEALTHCHECK|SHELL)\b[ \t]*(.*)", re.IGNORECASE | re.DOTALL
)
_FLAGS = re.compile(r"(?:--[a-z-]+(?:=\S*)?(?:[ \t]|\\\n)+)*")
_HEALTH = re.compile(r".*?\bCMD\b[ \t]*", re.DOTALL)
_HEREDOC = re.compile(r"<<-?[ \t]*(['\"]?)([A-Za-z_]\w*)\1")
_ESCAPE = re.compile(r"\A(?:#[^\n]*\n)*?#[ \t]*escape[ \t]*=[ \t]*`", re.IGNORECASE)
_SHELLS = re.compile(r"(?:.*/)?(?:ba|z|da|k|a)?sh")
_SHEBANG = re.compile(r"#!\s*(?:\S*/env\s+(?:-S\s+)?)?(\S+)")


def read_dockerfile(text: str) -> Contents:
    """Return the commands of a Dockerfile, under the names of their instructions."""
    commands: dict[str, list[Command]] = {}
    shell = ""
    for text_of, pieces in _instructions(text, "`" if _ESCAPE.match(text) else "\\"):
        found = _INSTRUCTION.match(text_of)
        if found is None:
            continue
        name = found[1].upper()
        if name == "SHELL":
            words = _exec_form(found[2])
            shell = "" if not words or _SHELLS.fullmatch(words[0]) else words[0]
            continue
        head = _FLAGS if name == "RUN" else _HEALTH if name == "HEALTHCHECK" else None
        skipped = head.match(found[2]) if head else None
        at = found.start(2) + (skipped.end() if skipped else 0)
        command = _command(text_of[at:], at, pieces, shell)
        if command is not None:
            commands.setdefault(name, []).append(command)
    return Contents({name: Task(name, tuple(some)) for name, some in commands.items()})


def _command(text: str, at: int, pieces: list[Piece], shell: str) -> Command | None:
    own = tuple(_from(pieces, at))
    words = _exec_form(text)
    if words is not None:
        # The first word is in quotes.
        place = tuple(_from(pieces, at + text.find('"') + 1))
        return Command(" ".join(words), place, words=tuple(words)) if words else None
    lines = text.split("\n")
    # Without a command before it, the text of a heredoc is the script.
    if _HEREDOC.fullmatch(lines[0].strip()):
        start = len(lines[0]) + 1
        body = "\n".join(lines[1:-1])
        if not body.strip():
            return None
        shebang = _SHEBANG.match(body)
        is_shell = shebang is None or _SHELLS.fullmatch(shebang[1]) is not None
        return Command(
            body,
            tuple(_from(pieces, at + start)),
            language="" if is_shell and shebang else shebang[1] if shebang else shell,
        )
    return Command(text, own, language=shell) if text.strip() else None


def _exec_form(text: str) -> list[str] | None:
    """Return the words of `["program", "word"]`, None if the text has another form."""
    if not text.lstrip().startswith("["):
        return None
    try:
        words = json.loads(text.replace("\\\n", " "))
    except ValueError:
        return None
    return words if isinstance(words, list) and all(isinstance(word, str) for word in words) else None


def _from(pieces: list[Piece], at: int) -> Iterator[Piece]:
    """Yield the pieces of a text from a place on, moved to its beginning."""
    for number, piece in enumerate(pieces):
        following = pieces[number + 1].at if number + 1 < len(pieces) else None
        if piece.at >= at:
            yield piece._replace(at=piece.at - at)
        elif following is None or following > at:
            yield Piece(0, piece.start + at - piece.at, piece.end)


def _instructions(text: str, escape: str) -> Iterator[tuple[str, list[Piece]]]:
    """Yield each instruction with the lines that it goes on in and its heredocs. Comments are left out."""
    whole, pieces, waiting = "", list[Piece](), list[str]()
    at = 0
    for line in text.split("\n"):
        start, at = at, at + len(line) + 1
        bare = line.removesuffix("\r")
        if waiting:
            pieces.append(Piece(len(whole), start, start + len(bare)))
            whole += bare
            if bare.strip() == waiting[0]:
                waiting.pop(0)
            if waiting:
                whole += "\n"
                continue
        elif bare.lstrip().startswith("#") or (whole and not bare.strip()):
            continue
        else:
            pieces.append(Piece(len(whole), start, start + len(bare)))
            goes_on = bare.rstrip().endswith(escape)
            whole += bare.rstrip().removesuffix(escape) + "\\\n" if goes_on else bare
            if goes_on:
                continue
            waiting = [found[2] for found in _HEREDOC.finditer(whole)] if _INSTRUCTION.match(whole) else []
            if waiting:
                whole += "\n"
                continue
        yield whole, pieces
        whole, pieces = "", []
    if whole:
        yield whole, pieces
