"""Provide texts that try to be markup, a book with one of them in every text, and readers of the resulting pages."""

from __future__ import annotations

import dataclasses
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from xml.etree.ElementTree import Element

import html5lib

from runbook.markup import is_safe_link
from runbook.model import Book
from runbook.model.fields import Anything, CommandLine, Either, ListOf, MapOf, Regex, Shaped, Text, Type
from runbook.model.later import Later

__all__ = ["HOSTILE", "LINKS", "Poisoner", "addresses", "elements", "live_parts", "parsed", "structure", "text_of"]

HOSTILE = (
    "<script>hit()</script>",
    "<ScRiPt >hit()</sCrIpT >",
    "<script src=//attacker.invalid/x.js></script>",
    "<img src=x onerror=hit()>",
    "<img/src=x/onerror=hit()>",
    '<img src="https://attacker.invalid/x.png">',
    "<svg/onload=hit()>",
    "<svg><animate onbegin=hit() attributeName=x dur=1s>",
    "<svg><script>hit()</script></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=hit()&gt;'>",
    "<iframe srcdoc='<script>parent.hit()</script>'></iframe>",
    "<iframe src=javascript:hit()>",
    "<object data=javascript:hit()>",
    "<embed src=javascript:hit()>",
    "<form action=javascript:hit()><button>Continue</button></form>",
    "<button formaction=javascript:hit()>Continue</button>",
    "<body onload=hit()>",
    "<base href=//attacker.invalid/>",
    "<meta http-equiv=refresh content='0;url=//attacker.invalid'>",
    "<link rel=stylesheet href=//attacker.invalid/x.css>",
    "<style>*{background:url(//attacker.invalid/x)}</style>",
    "<details open ontoggle=hit()>",
    "<input autofocus onfocus=hit()>",
    "<a href=javascript:hit()>log</a>",
    "<a href='data:text/html,<script>hit()</script>'>log</a>",
    "<!-- <img src=x onerror=hit()>",
    "--><img src=x onerror=hit()>",
    "<![CDATA[<img src=x onerror=hit()>]]>",
    "<?xml version='1.0'?><img src=x onerror=hit()>",
    "<plaintext>",
    "<textarea>",
    "</textarea><img src=x onerror=hit()>",
    "</title><script>hit()</script>",
    "</script><script>hit()</script>",
    "</style><script>hit()</script>",
    "</code></pre><img src=x onerror=hit()>",
    "</td></tr></table><h1>Finished</h1>",
    "</svg><img src=x onerror=hit()>",
    '"><img src=x onerror=hit()>',
    "'><img src=x onerror=hit()>",
    '" onmouseover="hit()',
    "' onmouseover='hit()",
    '" autofocus onfocus=hit() x="',
    "`><img src=x onerror=hit()>",
    "\\<img src=x onerror=hit()>",
    "\\\\<img src=x onerror=hit()>",
    "`code` <img src=x onerror=hit()> `code`",
    "``` <img src=x onerror=hit()> ```",
    "`` ` `` <img src=x onerror=hit()>",
    "**<img src=x onerror=hit()>**",
    "&lt;img src=x onerror=hit()&gt;",
    "&amp;lt;img src=x onerror=hit()&amp;gt;",
    "&#60;script&#62;hit()&#60;/script&#62;",
    "&lt;/title&gt;&lt;script&gt;hit()&lt;/script&gt;",
    "[log](javascript:hit())",
    "[log](<javascript:hit()>)",
    "[log](JaVaScRiPt:hit%28%29)",
    "[log](javascript&colon;hit%28%29)",
    "[log](&#106;avascript:hit%28%29)",
    "[log](java&#9;script:hit%28%29)",
    "[log](vbscript:hit)",
    "[log](data:text/html;base64,PHNjcmlwdD5oaXQoKTwvc2NyaXB0Pg==)",
    "[log](file:///etc/passwd)",
    "[log](//attacker.invalid/)",
    "[log][x] [x]: javascript:hit()",
    "[x]: javascript:hit()",
    "![log](https://attacker.invalid/x.png)",
    "![log](javascript:hit())",
    "<javascript:hit()>",
    "<https://attacker.invalid/>",
    "https://attacker.invalid/ www.attacker.invalid",
    "log{: onclick=hit() }",
    "{: onclick=hit() }",
    "# Finished",
    "Finished ===",
    "- [x] Finished",
    "> Finished",
    "1. Finished",
    "--- Finished",
    "| Outcome | finished |",
    "\\| Outcome \\\\| finished |",
    "`| a` | `b |",
    "a\\` | `b",
    "*[production]: your laptop",
    "[^1] [^1]: Finished",
    "!!! note",
    "~~~ Finished ~~~",
    "~~struck~~ *slanted* _slanted_ __bold__ **bold**",
    '--8<-- "mkdocs.yml"',
    "${hit()} {% raw %} #{hit()}",
    "');hit();//",
    '");hit();//',
)
"""One line each."""

LINKS = {
    "javascript:hit()": False,
    "JAVASCRIPT:hit()": False,
    " javascript:hit()": False,
    "java\tscript:hit()": False,
    "java\nscript:hit()": False,
    "\x01javascript:hit()": False,
    "javascript\u200b:hit()": False,
    "\u00adjavascript:hit()": False,
    "\uff4aavascript:hit()": False,
    "javascript&colon;hit()": False,
    "javascript&#58;hit()": False,
    "javascript&#x3a;hit()": False,
    "&#106;avascript:hit()": False,
    "&amp;#106;avascript:hit()": False,
    "java&Tab;script:hit()": False,
    "java&NewLine;script:hit()": False,
    "java\\script:hit()": False,
    "javascript\\:hit()": False,
    "view-source:javascript:hit()": False,
    "vbscript:hit": False,
    "data:text/html,x": False,
    "DATA:text/html;base64,eA==": False,
    "blob:https://example.com/x": False,
    "file:///etc/passwd": False,
    "ftp://example.com/": False,
    "tel:112": False,
    "ws://example.com/": False,
    "intent://example.com/#Intent;end": False,
    "ms-word:ofe|u|https://example.com": False,
    "x:y": False,
    "//example.com/": False,
    "\\\\example.com\\": False,
    "/\\example.com": False,
    "\\/example.com": False,
    "https:\\\\example.com": False,
    "https:example.com": False,
    "https:/example.com": False,
    "https:///example.com": False,
    "https://": False,
    "https://status.example.com@attacker.invalid/": False,
    "https://a b/": False,
    'https://example.com/"onclick="hit()': False,
    "https://example.com/<b>": False,
    "": False,
    "   ": False,
    "https://example.com": True,
    "HTTPS://example.com/a?b=c&d=e#f": True,
    "http://127.0.0.1:54323/project/default": True,
    "https://example.com/?a=1&copy=2": True,
    "mailto:oncall@example.com": True,
    "MAILTO:oncall@example.com?subject=Down": True,
    "#steps": True,
    "?q=a:b": True,
    "data-recovery.md": True,
    "../reference/yaml.md#shape-step": True,
    "/procedures/data-recovery.md": True,
    "./javascript:hit()": True,
    "a/b:c": True,
}
"""Addresses, and whether a link may lead there."""


# --- A book with a hostile text in every text ------------------------------------------------------------------------

_KEPT = frozenset(
    (
        *("id", "name", "kind", "source", "digest", "directory", "sources", "at", "procedure", "program", "command"),
        *("query", "query_read", "target", "drills"),
    )
)
"""Names whose form is checked or that the rest of the book refers to, and drills, which no page shows."""


class Poisoner:
    """Copies a value of the model and puts a hostile text behind every text where the loader would accept one.

    Each has a number, by which tests recognise it on a page. `placed` maps it to the class and field that hold it.
    """

    def __init__(self) -> None:
        self.placed: dict[int, str] = {}
        self._taken: dict[str, int] = defaultdict(int)

    def book(self, book: Book) -> Book:
        """Return that book, poisoned."""
        poisoned = self._copy(book)
        assert isinstance(poisoned, Book)
        return poisoned

    def behind(self, text: str, where: str) -> str:
        """Return a text followed by a hostile one. Each field gets all of them in turn."""
        number = len(self.placed) + 1
        self.placed[number] = where
        hostile = HOSTILE[self._taken[where] % len(HOSTILE)]
        self._taken[where] += 1
        return f"{text} {hostile} hit{number}."

    def _copy(self, value: object) -> object:
        if isinstance(value, Mapping):
            return {key: self._copy(each) for key, each in value.items()}
        if isinstance(value, tuple) and not hasattr(value, "_fields"):
            return tuple(map(self._copy, value))
        if not dataclasses.is_dataclass(value) or isinstance(value, type):
            return value
        return dataclasses.replace(value, **dict(self._changes(value)))

    def _changes(self, value: object) -> Iterator[tuple[str, object]]:
        for field in dataclasses.fields(value):  # type: ignore[arg-type]
            old, stated = getattr(value, field.name), field.metadata.get("key")
            # A table that was kept builds its entries when they are asked for.
            old = tuple(old) if isinstance(old, Later) else old
            if field.name in _KEPT or not field.init:
                continue
            where = f"{type(value).__name__}.{field.name}"
            if stated is not None:
                new = self._typed(old, stated.type, where)
            else:
                new = self.behind(old, where) if type(old) is str else self._copy(old)
            if new is not old:
                yield field.name, new

    def _typed(self, value: object, kind: Type, where: str) -> object:
        changed = value
        match kind, value:
            case _, str() if type(value) is str:
                changed = self._text(value, kind, where)
            case CommandLine(), tuple():
                changed = (*value, self.behind("", where).strip())
            case ListOf(item), tuple():
                changed = tuple(self._typed(each, item, where) for each in value)
            case MapOf(_, inner), Mapping():
                changed = {key: self._typed(each, inner, where) for key, each in value.items()}
            case Shaped(), tuple() if all(type(each) is str for each in value):
                changed = tuple(self.behind(each, where) if each else each for each in value)
            case Either(_, other), _:
                changed = self._typed(value, other, where)
            case _:
                changed = self._copy(value)
        return changed

    def _text(self, value: str, kind: Type, where: str) -> str:
        match kind:
            case Regex():
                return f"{value}|{re.escape(self.behind('', where).strip())}"
            case Either(scalar, _):
                return self._text(value, scalar, where)
            case Text(pattern=pattern) if value and (not pattern or re.fullmatch(pattern, f"{value} <x>")):
                return self.behind(value, where)
            case ListOf() | MapOf() | Anything():  # a list in YAML, one text in the model
                return self.behind(value, where)
        return value


# --- What is live ----------------------------------------------------------------------------------------------------

_ADDRESSES = {"href", "src", "action", "formaction", "data", "poster", "srcset", "srcdoc", "background", "ping"}


def parsed(html: str) -> Element:
    """Return a page or a piece of one as a browser would read it."""
    tree: Element = html5lib.parse(html, namespaceHTMLElements=False)
    return tree


def elements(tree: Element) -> Iterator[Element]:
    """Yield all elements, without comments and the like, which have no name."""
    return (each for each in tree.iter() if isinstance(each.tag, str))


def _local(name: object) -> str:
    return str(name).rpartition("}")[2].lower()


def addresses(tree: Element) -> list[str]:
    """Return every address that a page links to or loads."""
    return [value for each in elements(tree) for name, value in each.attrib.items() if _local(name) in _ADDRESSES]


def live_parts(tree: Element, *, ours: frozenset[str]) -> list[str]:
    """Return what a page must not have: elements other than `ours`, handlers, scripts, unsafe addresses."""
    found = [f"<{each.tag}>" for each in elements(tree) if _local(each.tag) not in ours]
    for each in elements(tree):
        found += [f"{name}={value}" for name, value in each.attrib.items() if _local(name).startswith("on")]
        if _local(each.tag) in {"script", "style"} and "hit" in (each.text or ""):
            found.append(f"<{each.tag}> {each.text}")
    return found + [each for each in addresses(tree) if each and not is_safe_link(each)]


def structure(tree: Element) -> list[str]:
    """Return the names of all elements in order, without code within a line."""
    inline = {id(child) for each in elements(tree) if each.tag != "pre" for child in each if child.tag == "code"}
    return [str(each.tag) for each in elements(tree) if id(each) not in inline]


def text_of(tree: Element) -> str:
    """Return the text that a reader sees, with each run of spaces as one."""
    return " ".join("".join(tree.itertext()).split())
