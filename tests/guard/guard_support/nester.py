"""Build random shell texts from names, quotes and choices that come from one seed."""

from __future__ import annotations

import random
import shlex

__all__ = ["Nester"]


class Nester:
    """Builds texts. Everything depends only on its seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.names = 0

    def name(self) -> str:
        """Return a name that no other layer uses."""
        self.names += 1
        return f"v{self.names}"

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
