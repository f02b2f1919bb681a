"""Compare a command's output with what it must show, capture values from it, and say what was compared."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runbook.linear_regex import linear_regex
from runbook.model import Capture, Expectation
from runbook.printable import lines_of, one_line

__all__ = ["Comparison", "capture", "compare", "digest_of", "document_in", "plain_text", "values_at"]

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_DECLINED = ["│ No", "context canceled"]
"""What the Supabase CLI prints last if its own question was answered No (3.1 and 2.122, at a terminal)."""
_END = 1000
"""How many characters at the end of an output to search for it."""
_SHOWN = 80
_REREADINGS = 20
"""How many times a search for a document may read the whole output."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Whether an expectation was met, and the evidence in words."""

    is_met: bool
    evidence: str


def compare(
    expect: Expectation,
    exit_code: int | None,
    output: str,
    fill: Callable[[str], str],
    *,
    document: str = "",
    secret: Callable[[str], str | None] = lambda _: None,
) -> Comparison:
    """Compare how a command ended with what was expected; `fill` puts values into the expected texts.

    `document` is the JSON that the command printed, if it's known separately from the rest of its output. `secret`
    returns the value of a secret parameter, or None.
    """
    text = plain_text(output)
    lines = [
        _exit(expect, exit_code, text),
        *_texts(expect, text, fill),
        *_paths(expect.json, document or text, fill),
        *_differences(expect.differs, document or text, fill),
        *_digests(expect.sha256, document or text, fill, secret),
    ]
    # If the command failed, its output won't fit either, and saying so would only hide the exit code.
    failed = [evidence for is_met, evidence in lines if not is_met][: None if lines[0][0] else 1]
    return Comparison(not failed, "; ".join(failed or [evidence for _, evidence in lines]))


def capture(
    captures: Sequence[Capture], output: str, fill: Callable[[str], str] = str, *, document: str = ""
) -> tuple[dict[str, str], str]:
    """Return the variables found in the output, and a sentence on those not found ("" if all were)."""
    text = plain_text(output)
    found = {one.name: _captured(one, text if one.json is None else document or text, fill) for one in captures}
    missing = [f"{one.name} ({one.json or one.pattern})" for one in captures if found[one.name] is None]
    problem = f"the output shows no value for {', '.join(missing)}" if missing else ""
    return {name: value for name, value in found.items() if value is not None}, problem


def plain_text(output: str) -> str:
    """Return the output without colours, cursor movements and carriage returns."""
    lines = _ESCAPES.sub("", output).replace("\r\n", "\n").split("\n")
    return "\n".join(line.rpartition("\r")[2] for line in lines)


def document_in(output: str) -> Any:
    """Return the largest JSON list or object that begins a line of the output, or None."""
    decoder, best, size, position = json.JSONDecoder(), None, 0, 0
    # A line can look like the start of a document until the very end of the output.
    effort = _REREADINGS * len(output)
    for match in re.finditer(r"^[ \t]*(?=[\[{])", output, re.MULTILINE):
        if match.end() < position:
            continue
        try:
            value, position = decoder.raw_decode(output, match.end())
        except (ValueError, RecursionError) as error:
            effort -= getattr(error, "pos", len(output)) - match.end()
            if effort < 0:
                break
            continue
        if position - match.end() > size:
            best, size = value, position - match.end()
    return best


def values_at(document: Any, path: str, fill: Callable[[str], str] = str) -> tuple[str, ...]:
    """Return the values at a dotted path, as text.

    `*` goes through a list; a negative number counts from its end; `slug=x` picks the items whose `slug` is `x`.
    Values are filled in part by part, so a dot in a value can't split a part.
    """
    found = [document]
    for part in path.split("."):
        filled = fill(part)
        found = [inner for value in found for inner in _inner(value, filled)]
    return tuple(_as_text(value) for value in found)


def _inner(value: Any, part: str) -> Iterator[Any]:
    if isinstance(value, Mapping):
        yield from value.values() if part == "*" else [value[part]] if part in value else []
    elif isinstance(value, list) and part == "*":
        yield from value
    elif isinstance(value, list) and "=" in part:
        name, wanted = part.split("=", 1)
        yield from (item for item in value if isinstance(item, Mapping) and _as_text(item.get(name)) == wanted)
    elif isinstance(value, list) and re.fullmatch(r"-?\d{1,9}", part):
        index = int(part)
        if -len(value) <= index < len(value):
            yield value[index]


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _exit(expect: Expectation, exit_code: int | None, text: str) -> tuple[bool, str]:
    if exit_code == expect.exit:
        return True, f"exit {exit_code}, as expected"
    saw = "no exit code" if exit_code is None else f"exit {exit_code}"
    why = ": its question was answered No, so it did nothing" if _was_declined(text) else ""
    return False, f"expected exit {expect.exit}, saw {saw}{why}"


def _was_declined(text: str) -> bool:
    last = (" ".join(line.split()) for line in text[-_END:].splitlines())
    return [line for line in last if line][-2:] == _DECLINED


def _texts(expect: Expectation, text: str, fill: Callable[[str], str]) -> Iterator[tuple[bool, str]]:
    if expect.output is not None:
        wanted = fill(expect.output)
        yield _found(wanted in text, f"the text '{_short(wanted)}'", text)
    if expect.lacks is not None:
        unwanted = fill(expect.lacks)
        is_there = unwanted in text
        yield not is_there, f"expected no {_short(unwanted)!r}, saw {'it' if is_there else 'none'}"
    if expect.in_words is not None:
        yield _in_words(expect, text)
        return
    if expect.matches is not None:
        yield _found(_first(expect.matches, text) is not None, f"something that matches /{expect.matches}/", text)
    if expect.absent is not None:
        seen = _first(expect.absent, text)
        unwanted = f"expected nothing that matches /{expect.absent}/"
        yield seen is None, f"{unwanted}, saw {'nothing' if seen is None else f'{_short(seen)!r}'}"


def _in_words(expect: Expectation, text: str) -> tuple[bool, str]:
    """Compare both regular expressions, and say in words what they ask for instead of showing them."""
    unwanted = None if expect.absent is None else _first(expect.absent, text)
    if unwanted is not None:
        return False, f"expected that {expect.in_words}, saw {_short(unwanted)!r}"
    if expect.matches is not None and _first(expect.matches, text) is None:
        return _found(False, f"that {expect.in_words}", text)
    return True, f"{expect.in_words}, as expected"


def _first(pattern: str, text: str) -> str | None:
    match = linear_regex(pattern, lines=True).search(text)
    return None if match is None else match.whole


def _found(is_met: bool, what: str, saw: str) -> tuple[bool, str]:
    if is_met:
        return True, f"expected {what}, saw it"
    last = [line.strip() for line in lines_of(saw) if line.strip()][-1:]
    return False, f"expected {what}, saw {'no output' if not last else f'as the last line {_short(last[0])!r}'}"


def _paths(paths: Sequence[tuple[str, str]], text: str, fill: Callable[[str], str]) -> Iterator[tuple[bool, str]]:
    document = document_in(text) if paths else None
    for path, template in paths:
        wanted, found = fill(template), values_at(document, path, fill) if document is not None else ()
        nothing = "nothing there" if document is not None else "no JSON in the output"
        saw = ", ".join(found[:5]) + (f" and {len(found) - 5} more" if len(found) > 5 else "")
        if tuple(found) == (wanted,):
            yield True, f"{fill(path)} is {_seen(wanted)}, as expected"
        else:
            yield (
                wanted in found,
                f"expected {fill(path)} to be {_seen(wanted)}, saw {_seen(saw) if found else nothing}",
            )


def _differences(paths: Sequence[tuple[str, str]], text: str, fill: Callable[[str], str]) -> Iterator[tuple[bool, str]]:
    document = document_in(text) if paths else None
    for path, template in paths:
        unwanted, found = fill(template), values_at(document, path, fill) if document is not None else ()
        saw = _seen(", ".join(found[:5])) if found else "nothing there"
        yield (
            bool(found) and unwanted not in found,
            f"expected {fill(path)} to differ from {_seen(unwanted)}, saw {saw}",
        )


def digest_of(value: str) -> str:
    """Return the SHA-256 digest of a text as the platform lists it for a secret: hexadecimal, of its UTF-8 bytes."""
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()


def _digests(
    paths: Sequence[tuple[str, str]], text: str, fill: Callable[[str], str], secret: Callable[[str], str | None]
) -> Iterator[tuple[bool, str]]:
    document = document_in(text) if paths else None
    for path, name in paths:
        found = values_at(document, path, fill) if document is not None else ()
        # The digest of a short secret gives the secret away, so the evidence never repeats it.
        value = secret(name)
        is_met = value is not None and [one.lower() for one in found] == [digest_of(value)]
        saw = "another one" if found else "nothing there" if document is not None else "no JSON in the output"
        expected = f"expected {fill(path)} to be the digest of {name}"
        yield is_met, f"{expected}, and it is" if is_met else f"{expected}, saw {saw}"


def _captured(one: Capture, text: str, fill: Callable[[str], str]) -> str | None:
    found = _found_by(one, text, fill)
    return one.becomes.get(found or "") if one.becomes else found


def _found_by(one: Capture, text: str, fill: Callable[[str], str]) -> str | None:
    if one.json is not None:
        document = document_in(text)
        return next(iter(values_at(document, one.json, fill)), None) if document is not None else None
    found = linear_regex(one.pattern or "", lines=True).search(text)
    return found and (found.whole if found.group is None else found.group)


def _seen(value: str) -> str:
    return _short(value) or "an empty value"


def _short(text: str) -> str:
    flat = one_line(text)
    return flat if len(flat) <= _SHOWN else f"{flat[:_SHOWN]}…"
