"""List characters and texts that disguise a name, a paste or output as something else."""

from __future__ import annotations

import json
import re
import unicodedata

__all__ = ["CONTROLS", "EVERY", "FORGERY", "HIDDEN", "LOOK_ALIKES", "REVERSING"]
__all__ += ["hostile", "is_passable", "number", "unsafe"]

CONTROLS = "\x00\x07\x08\x0b\x0c\x0d\x1b\x7f\x85\x90\x9b\x9c\x9d"
"""Characters that a terminal obeys, of seven bits and eight."""
REVERSING = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
HIDDEN = (
    "\u00a0\u00ad\u034f\u115f\u1160\u1680\u17b4\u17b5\u180b\u180e\u2000\u2002\u2003\u2007\u2009\u200a\u200b\u200c\u200d"
    "\u2028\u2029\u202f\u205f\u2060\u2061\u2062\u2063\u2064\u206a\u206f\u2800\u3000\u3164\ufe00\ufe0f\ufeff\uffa0"
    "\ufff9\ufffb\ufffc\ue000\ufdd0\U0001d159\U0001d173\U000e0001\U000e0041\U000e0100\U000f0000"
)
"""Invisible characters, and spaces other than the plain one."""
LOOK_ALIKES = (
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u03bf\u03bd\u0391\u0392\u13aa\uff41\U0001d41a\u212a\u0261"
    "\u2215\u2024\u037e"
)
"""Characters that look like a Latin letter, or like a separator in an address, within a Latin word."""
EVERY = CONTROLS + REVERSING + HIDDEN + LOOK_ALIKES
FORGERY = "\x1b[2J\x1b[1;5r\x1b[21;1H  Reads PRODUCTION. It changes nothing.\x1b[22;1HPress Enter to go on\x1b[23;1H> "
"""A row that leaves five lines at the top to the walk, and paints another question below them."""


def number(character: str) -> str:
    """Return the text that is shown for a hidden character."""
    return f"<U+{ord(character):04X}>"


def is_passable(character: str) -> bool:
    """Return whether a character may reach a terminal at all, by its category alone."""
    # Within an emoji the joiner is what makes it one.
    return character in "\n\u200d" or unicodedata.category(character) not in {
        *("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"),
        *(() if character == " " else ("Zs",)),
    }


def hostile(characters: str = EVERY) -> str:
    """Return a text with each of these characters within a Latin word."""
    return " ".join(f"ta{one}sks" for one in characters)


def unsafe(out: str, characters: str = EVERY, *, escaped: bool = False) -> list[str]:
    """Return the characters that came out raw, and those whose numbers didn't come out."""
    # Our own line breaks stay, and so does a letter outside a Latin word.
    raw = [number(one) for one in characters if re.search(f"a{re.escape(one)}s", out)]
    named = [number(one) for one in characters]
    if escaped:
        named = [json.dumps(one)[1:-1] for one in characters]
    return raw + [f"{one} is not shown" for one in named if one not in out]
