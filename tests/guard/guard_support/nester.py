"""Build random shell texts from names, quotes, files and choices that come from one seed."""

from __future__ import annotations

import random
import shlex

__all__ = ["Nester"]


class Nester:
    """Builds texts. Everything depends only on its seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.names = 0
        self.files: dict[str, str] = {}
        """The files of the project before a text runs, by path."""
        self.is_committed = False
        """Whether the project is a repository with these files."""

    def start_project(self) -> None:
        """Forget the files: the next text runs in another project."""
        self.files, self.is_committed = {}, False

    def name(self) -> str:
        """Return a name that no other layer uses."""
        self.names += 1
        return f"v{self.names}"

    def placed(self, path: str, content: str) -> str:
        """Return shell text that creates a file; empty if the project has the file already."""
        if self.random.random() < 0.6:
            self.files[path] = content
            return ""
        folder, slash, _ = path.rpartition("/")
        return f"{f'mkdir -p {folder}; ' if slash else ''}printf %s {self.quoted(content)} > {path}\n"

    def command(self, text: str) -> tuple[str, str]:
        """Return shell text that prepares, and one line for any shell that then runs the text in bash."""
        if "\n" not in text and self.random.random() < 0.4:
            return "", f"bash -c {shlex.quote(text)}"
        return self.script(text)

    def script(self, text: str) -> tuple[str, str]:
        """Return shell text that prepares, and a line of plain words that then runs the text in bash."""
        file = f"{self.name()}.sh"
        return self.placed(file, text), f"{self.pick('bash', 'bash -e', 'bash +x')} {file}"

    def quoted(self, text: str) -> str:
        """Quote a text in one of the ways that a shell knows."""
        way = self.random.randrange(4)
        if way == 0:
            return '"' + "".join("\\" + c if c in '"\\$`' else c for c in text) + '"'
        if way == 1 and "'" not in text:
            return "".join(f"'{piece}'" for piece in self.pieces(text)) or "''"
        if way == 2:
            return "$'" + "".join(self._escaped(c) for c in text) + "'"
        return shlex.quote(text)

    def pieces(self, text: str) -> list[str]:
        """Split a text in two at some place."""
        at = self.random.randint(0, len(text))
        return [piece for piece in (text[:at], text[at:]) if piece]

    def _escaped(self, character: str) -> str:
        if character in "\\'":
            return "\\" + character
        if character == "\n":
            return "\\n"
        way = self.random.randrange(8)
        return {0: f"\\x{ord(character):02x}", 1: f"\\{ord(character):03o}"}.get(way, character)

    def pick(self, *choices: str) -> str:
        """Return one of these."""
        return self.random.choice(choices)
