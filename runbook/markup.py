"""Write any text as text in Markdown of any flavour and in YAML, and decide where links may lead.

A book's sentences may contain three kinds of markup, which `prose_parts` finds: `code`, **bold** and
[links](https://…). Anything else in them is text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from runbook.printable import lines_of, one_line, printable

__all__ = [
    "LINK_ATTRIBUTES",
    "ProsePart",
    "is_safe_link",
    "markdown_cell_code",
    "markdown_code",
    "markdown_fence",
    "markdown_prose",
    "markdown_text",
    "plain_prose",
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

    Like the most lenient reader, this resolves character references first. It refuses an address that browsers would
    repair (a tab in the scheme, a backslash), one that hides its host behind `name@`, and `//host`.
    """
    meant = _resolved(address.strip(" "))
    # Browsers drop whitespace and control characters in an address: `java\tscript:` runs.
    if not meant or not meant.isprintable() or _STRANGE.search(meant):
        return False
    if scheme := _SCHEME.fullmatch(meant):
        name = scheme["name"].lower()
        return name == "mailto" or (name in {"http", "https"} and bool(_HOST.fullmatch(scheme["rest"])))
    # The text before the colon isn't a scheme that we know, but a browser may know it.
    return not meant.startswith("//") and ":" not in re.split(r"[/?#]", meant, maxsplit=1)[0]


def _resolved(address: str) -> str:
    from html import unescape  # only checks and pages follow links

    # A page made from Markdown that was made from HTML resolves `&amp;colon;` twice.
    for _ in range(4):
        address, before = unescape(address), address
        if address == before:
            break
    return address


def unsafe_link_message(address: str) -> str:
    """Return what to tell the author of a link to an unsafe address."""
    return f"'{address}' can't be a link: links lead to http://, https:// or mailto:, or to a page of the site"


LINK_ATTRIBUTES = ("href", "src", "action", "formaction", "data", "poster", "xlink:href")
"""The attributes of HTML that lead somewhere or load something."""
_LINK_ATTEMPTS = re.compile(
    r"\\[\\`\]]"  # escaped
    r"|(?P<ticks>`+)"  # perhaps code
    r"|\]\(\s*<?(?P<inline>(?:[^()>\n]|\([^()>\n]*\))*)"  # [text](address), ![text](address)
    r"|^[ ]{0,3}\[[^\]\n]+\]:[ \t]*<?(?P<reference>[^>\n]+)"  # [text]: address
    r"|<(?P<bare>[A-Za-z][A-Za-z0-9+.&;#-]*:[^<>\n]*)>"  # <address>
    rf"|<[A-Za-z][^<>]*?\s(?:{'|'.join(LINK_ATTRIBUTES)})\s*=\s*[\"']?(?P<attribute>[^\"'>\n]*)",
    re.MULTILINE,
)
_LINK_TITLE = re.compile(r"""(?<!\s)\s+(?:"[^"]*"|'[^']*'|\([^()]*\)?)\s*$""")
_TICKS_OR_BLANK_LINE = re.compile(r"(?<!\\)(?P<backslashes>\\*)(?P<ticks>`+)|\n(?=[ \t]*\n)")


def unsafe_links(text: str) -> Iterator[tuple[int, str]]:
    """Yield the position and the address of each unsafe link in a Markdown text. Nothing in code is a link."""
    code_ends, at = _code_ends(text), 0
    while match := _LINK_ATTEMPTS.search(text, at):
        at, kind = match.end(), match.lastgroup
        if kind is None:
            continue
        if kind == "ticks":
            at = code_ends.get(match.start(), at)
            continue
        # A title may follow the address: [text](address "title").
        address = _LINK_TITLE.sub("", match[kind]).strip()
        if address and not is_safe_link(address):
            yield match.start(kind), address


def _code_ends(text: str) -> dict[int, int]:
    """Return where each piece of code ends, by the start of the run of backticks that opens it.

    The next run of the same length ends it. Only a block, which takes three or more, may contain an empty line.
    """
    ends, next_end = dict[int, int](), dict[int, int]()
    for found in reversed(list(_TICKS_OR_BLANK_LINE.finditer(text))):
        if found["ticks"] is None:
            next_end.pop(1, None)
            next_end.pop(2, None)
            continue
        # An escaped backtick opens nothing. Inside code, nothing is escaped.
        start, length = found.start("ticks"), len(found["ticks"])
        escaped = len(found["backslashes"]) % 2
        if length - escaped in next_end:
            ends[start + escaped] = next_end[length - escaped]
        next_end[length] = found.end()
    return ends


# --- A sentence of the book -------------------------------------------------------------------------------------------


class ProsePart(NamedTuple):
    """A part of a sentence; `href` is the address of a link."""

    text: str
    style: Literal["", "code", "strong", "link"] = ""
    href: str = ""


_PARTS = re.compile(
    r"`(?P<code>[^`]+)`|\*\*(?P<strong>[^*]+)\*\*|(?<!!)\[(?P<label>[^\[\]`*]+)\]\((?P<href>[^()\s]+)\)"
)


def prose_parts(sentence: str) -> Iterator[ProsePart]:
    """Split a sentence at its markup. Anything else, such as an image or an unsafe link, is text."""
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


def plain_prose(sentence: str) -> str:
    """Return a sentence of the book for a terminal: a link becomes its label with the address, or the page's name."""
    return _PARTS.sub(_link_in_plain, sentence)


def _link_in_plain(match: re.Match[str]) -> str:
    if match["href"] is None or not is_safe_link(match["href"]):
        return match[0]
    page = match["href"].removeprefix("/").removesuffix(".md")
    # A terminal runs a procedure by its id.
    kind, _, procedure = page.partition("/")
    if match["href"] != page and kind == "procedures":
        return f"{match['label']} ({procedure})"
    return f"{match['label']} ({'page ' if match['href'] != page else ''}{page})"


# --- Markdown ---------------------------------------------------------------------------------------------------------

# A backslash if every flavour accepts one; a character reference if some flavours would show the backslash.
_MARKUP = {each: f"\\{each}" for each in "\\`*{}[]|_"} | {"<": "&lt;", "&": "&amp;", "~": "&#126;"}
_SPECIAL = re.compile(
    r"[\\`*{}\[\]|<~]"
    r"|&(?=[#A-Za-z])"  # a character reference
    r"|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])"  # emphasis; not within a word
)
_AT_START = re.compile(r"[#>!?:]|[+-](?=\s|$)|-(?=-*$)|=(?==*$)|/(?=//)|[0-9]+(?=[.)])")
"""Begins a heading, a quote, a list, a rule or an extension's block at the start of a line."""
_ADDRESS = re.compile(r":(?=//)|(?<=\bwww)\.", re.IGNORECASE)
"""Parts of addresses that some flavours turn into links by themselves."""


def markdown_text(text: str, *, begins_line: bool = True) -> str:
    """Return a text for a line or a cell of Markdown, with everything escaped that would be markup there.

    After other text in its line or cell (`begins_line` false), what starts a heading or a list needs no escape.
    """
    escaped = _escaped(one_line(text))
    return _at_start(escaped) if begins_line else escaped


def markdown_prose(text: str) -> str:
    """Return a sentence of the book for a line of Markdown; it keeps its own markup, and everything else is text."""
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
    rest = line[start.end() :]
    # The dot or parenthesis after a number would make it a list, so escape that.
    return f"{start[0]}\\{rest}" if start[0].isdigit() else f"{_reference(start)}{rest}"


def _reference(match: re.Match[str]) -> str:
    return f"&#{ord(match[0])};"


def markdown_code(text: str) -> str:
    """Return a text as a span of code on one line, whatever backticks it has; "" for an empty text."""
    flat = one_line(text)
    if not flat:
        return ""
    ticks = "`" * (_longest_run(flat, "`") + 1)
    # A backtick at either end would count as part of the fence.
    pad = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{ticks}{pad}{flat}{pad}{ticks}"


def markdown_cell_code(text: str) -> str:
    """Return a text as code in a table cell, or as plain text if some flavours would end the cell inside code."""
    return markdown_text(text) if re.search(r"[|\\`]", text) else markdown_code(text)


def markdown_fence(text: str, language: str = "text", indent: str = "") -> list[str]:
    """Return the lines of a code block that nothing in the text can end."""
    # A line of as many backticks would end the block, and a command may print anything, so use more than the text has.
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
