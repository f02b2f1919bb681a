"""Where a text crosses into a language with markup: one function for each, and one rule for links.

Whatever a text holds, it comes out as text: on a page, in Markdown of any flavour, in YAML. A book's sentences may hold
three kinds of markup of their own, which `prose_parts` tells: `code`, **bold** and [links](https://…).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Literal, NamedTuple

from runbook.printable import lines_of, one_line, printable

__all__ = [
    "ProsePart",
    "is_safe_link",
    "markdown_cell_code",
    "markdown_code",
    "markdown_fence",
    "markdown_prose",
    "markdown_text",
    "prose_parts",
    "unsafe_link_message",
    "unsafe_links",
    "yaml_text",
]


# --- Links ------------------------------------------------------------------------------------------------------------

_SCHEME = re.compile(r"(?P<name>[a-z][a-z0-9+.-]*):(?P<rest>.*)", re.IGNORECASE)
_HOST = re.compile(r"//[^/?#@\\:]+(?::[0-9]*)?(?:[/?#].*)?")
_STRANGE = re.compile(r"[\s\\<>\"`{}|^]")


def is_safe_link(address: str) -> bool:
    """Return whether a link may lead there: http, https, mailto, or a place relative to the page.

    It is judged as the most generous of its readers would take it, with character references resolved. What browsers
    repair, as tabs within a scheme or backslashes, what hides the host, as `name@`, and `//host` are refused.
    """
    meant = _resolved(address.strip(" "))
    # Whitespace and control characters within it are dropped by browsers: `java\tscript:` runs.
    if not meant or not meant.isprintable() or _STRANGE.search(meant):
        return False
    if scheme := _SCHEME.fullmatch(meant):
        name = scheme["name"].lower()
        return name == "mailto" or (name in {"http", "https"} and bool(_HOST.fullmatch(scheme["rest"])))
    # A colon before the first slash that no scheme stands before: somebody else may know that scheme.
    return not meant.startswith("//") and ":" not in re.split(r"[/?#]", meant, maxsplit=1)[0]


def _resolved(address: str) -> str:
    # `&amp;colon;` is resolved twice where a page is made from Markdown that was made from HTML.
    for _ in range(4):
        address, before = unescape(address), address
        if address == before:
            break
    return address


def unsafe_link_message(address: str) -> str:
    """Say what is wrong with a link to that address."""
    return f"'{address}' can't be a link: links lead to http://, https:// or mailto:, or to a page of the site"


_CODE = r"(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`)"
_LINK_ATTEMPTS = re.compile(
    rf"{_CODE}"
    r"|(?<!\\)\]\(\s*<?(?P<inline>(?:[^()>\n]|\([^()>\n]*\))*)"  # [text](address), ![text](address)
    r"|^[ ]{0,3}\[[^\]\n]+\]:[ \t]*<?(?P<reference>[^>\n]+)"  # [text]: address
    r"|<(?P<bare>[A-Za-z][A-Za-z0-9+.&;#-]*:[^>\n]*)>"  # <address>
    r"|<[A-Za-z][^<>]*?\s(?:href|src|action|formaction|data|poster)\s*=\s*[\"']?(?P<attribute>[^\"'>\n]*)",
    re.MULTILINE | re.DOTALL,
)


def unsafe_links(text: str) -> Iterator[tuple[int, str]]:
    """Yield where in a Markdown text a link begins that may not be followed, and its address; code holds none."""
    for match in _LINK_ATTEMPTS.finditer(text):
        if match["ticks"]:
            continue
        kind = next(each for each in ("inline", "reference", "bare", "attribute") if match[each] is not None)
        # A title may stand behind the address: [text](address "title").
        address = re.sub(r"""\s+(?:"[^"]*"|'[^']*'|\([^)]*)\s*$""", "", match[kind]).strip()
        if address and not is_safe_link(address):
            yield match.start(kind), address


# --- A sentence of the book -------------------------------------------------------------------------------------------


class ProsePart(NamedTuple):
    """A stretch of a sentence; `href` is where a link leads."""

    text: str
    style: Literal["", "code", "strong", "link"] = ""
    href: str = ""


_PARTS = re.compile(
    r"`(?P<code>[^`]+)`|\*\*(?P<strong>[^*]+)\*\*|(?<!!)\[(?P<label>[^\[\]`*]+)\]\((?P<href>[^()\s]+)\)"
)


def prose_parts(sentence: str) -> Iterator[ProsePart]:
    """Split a sentence at the markup that it may have. Anything else is text, such as an image or an unsafe link."""
    end = 0
    for match in _PARTS.finditer(sentence):
        if match["href"] is not None and not is_safe_link(match["href"]):
            continue
        if match.start() > end:
            yield ProsePart(sentence[end : match.start()])
        end = match.end()
        if match["code"] is not None:
            yield ProsePart(match["code"], "code")
        elif match["strong"] is not None:
            yield ProsePart(match["strong"], "strong")
        else:
            yield ProsePart(match["label"], "link", match["href"])
    if end < len(sentence):
        yield ProsePart(sentence[end:])


# --- Markdown ---------------------------------------------------------------------------------------------------------

# By a backslash, where every flavour takes one; by a character reference where some would show the backslash.
_MARKUP = {each: f"\\{each}" for each in "\\`*{}[]|_"} | {"<": "&lt;", "&": "&amp;", "~": "&#126;"}
_SPECIAL = re.compile(
    r"[\\`*{}\[\]|<~]"
    r"|&(?=[#A-Za-z])"  # a character reference
    r"|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])"  # emphasis; within a word it is none
)
_AT_START = re.compile(r"[#>!?:]|[+-](?=\s|$)|-(?=-*$)|=(?==*$)|/(?=//)|[0-9]+(?=[.)])")
"""What begins a heading, a quote, a list, a rule or an extension's block at the start of a line."""
_ADDRESS = re.compile(r":(?=//)|(?<=\bwww)\.", re.IGNORECASE)
"""What some flavours make links of by themselves."""


def markdown_text(text: str) -> str:
    """Return a text for a line of Markdown in which nothing is markup: no tag, no link, no image, no end of a cell."""
    return _at_start(_escaped(one_line(text)))


def markdown_prose(text: str) -> str:
    """Return a sentence of the book for a line of Markdown: its own markup stays, anything else is text."""
    return _at_start("".join(_part_in_markdown(part) for part in prose_parts(one_line(text))))


def _part_in_markdown(part: ProsePart) -> str:
    if part.style == "code":
        return markdown_code(part.text)
    text = _escaped(part.text)
    if part.style == "strong":
        return f"**{text}**"
    return f"[{text}](<{part.href}>)" if part.style == "link" else text


def _escaped(text: str) -> str:
    return _ADDRESS.sub(_reference, _SPECIAL.sub(lambda match: _MARKUP[match[0]], text))


def _at_start(line: str) -> str:
    start = _AT_START.match(line)
    if start is None:
        return line
    behind = line[start.end() :]
    # A number is a list's only with what stands behind it.
    return f"{start[0]}\\{behind}" if start[0].isdigit() else f"{_reference(start)}{behind}"


def _reference(match: re.Match[str]) -> str:
    return f"&#{ord(match[0])};"


def markdown_code(text: str) -> str:
    """Return a text as a span of code on one line, whatever backticks it has; an empty one has no span."""
    flat = one_line(text)
    if not flat:
        return ""
    ticks = "`" * (_longest_run(flat, "`") + 1)
    # A backtick at an end would be taken for a part of the fence.
    pad = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{ticks}{pad}{flat}{pad}{ticks}"


def markdown_cell_code(text: str) -> str:
    """Return a text as code in a cell of a table; as plain text, if some flavours would see the cell end within it."""
    return markdown_text(text) if re.search(r"[|\\`]", text) else markdown_code(text)


def markdown_fence(text: str, language: str = "text", indent: str = "") -> list[str]:
    """Return the lines of a block of code that nothing in the text can end."""
    # A fence ends at one as long as itself, and a command may print anything: this one is longer than any in the text.
    fence = "`" * max(3, _longest_run(text, "`") + 1)
    lines = (f"{indent}{line}".rstrip() for line in lines_of(printable(text)))
    return [f"{indent}{fence}{language}", *lines, f"{indent}{fence}"]


def _longest_run(text: str, character: str) -> int:
    return max((len(run) for run in re.findall(f"{re.escape(character)}+", text)), default=0)


# --- YAML -------------------------------------------------------------------------------------------------------------

_YAML_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}


def yaml_text(text: str) -> str:
    """Return a text as a quoted scalar that YAML reads as that text, on one line."""
    return '"' + "".join(_YAML_ESCAPES.get(each) or _in_yaml(each) for each in text) + '"'


def _in_yaml(character: str) -> str:
    code = ord(character)
    if character.isprintable():
        return character
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
