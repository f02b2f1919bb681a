"""The Markdown of a comment: what it says, what it escapes, and how long it gets."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest
from markdown_it import MarkdownIt
from support.markup_attacks import HOSTILE, addresses, live_parts, parsed, text_of

from runbook.migration.comment_text import COMMENT_LIMIT, report_markdown
from runbook.migration.finding import Finding, Report, WaivedFinding
from runbook.migration.github_event import Event
from runbook.printable import one_line

EVENT = Event("acme/shop", 7, "main", "a" * 40)
OURS = frozenset({"html", "head", "body", "h3", "ul", "li", "p", "a", "code", "strong", "sub"})
"""The elements that the comment uses itself."""
FILE = "supabase/migrations/20260101000000_notes.sql"


def _finding(message: str, *, level: str = "error", line: int = 3, file: str = FILE) -> Finding:
    return Finding(file, line, 5, "drop-column", level, message, "Copy its values first, as in `create table`.")


def _comment(*findings: Finding, waived: tuple[WaivedFinding, ...] = (), limit: int = COMMENT_LIMIT) -> str:
    return report_markdown(Report(2, findings, waived), "origin/main", EVENT.address_of, limit)


def _html(text: str) -> str:
    return str(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text))


def test_a_finding_has_its_level_place_rule_message_and_fix() -> None:
    """The place leads to the line, in the commit that was checked."""
    page = parsed(_html(_comment(_finding("the values are gone"))))

    assert addresses(page) == [f"https://github.com/acme/shop/blob/{'a' * 40}/{FILE}#L3"]
    text = text_of(page)
    assert "Migration check: 1 error" in text
    assert f"error {FILE}:3 drop-column: the values are gone. Copy its values first, as in create table." in text
    assert "2 migrations checked, compared with origin/main." in text


def test_errors_come_first_and_accepted_findings_keep_their_reason() -> None:
    """A reviewer sees what somebody has accepted, and why."""
    notice, error = _finding("a notice", level="notice", line=1), _finding("an error", line=9)
    text = _comment(notice, error, waived=(WaivedFinding(_finding("a drop"), "nobody reads it"),))

    assert "Migration check: 1 error, 1 notice, 1 accepted" in text
    assert text.index("an error") < text.index("a notice") < text.index("a drop. Accepted because nobody reads it")


def test_a_clean_report_is_all_clear() -> None:
    """Without advice that nobody needs."""
    text = _comment()

    assert "Migration check: all clear" in text
    assert "--explain" not in text


@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_text_of_a_migration_becomes_markup(hostile: str) -> None:
    """Messages, reasons and file names come from the pull request. The reader sees what they are."""
    file = f"supabase/migrations/{hostile}"
    finding = _finding(hostile, file=file)
    comment = _comment(finding, waived=(WaivedFinding(finding, hostile),))
    page = parsed(_html(comment))

    assert live_parts(page, ours=OURS) == []
    assert {unquote(each) for each in addresses(page)} == {unquote(EVENT.address_of(file, 3))}
    shown = text_of(page).replace("\u200b", "")
    assert shown.count(" ".join(one_line(hostile).split())) >= 4


@pytest.mark.parametrize("name", ["@ada", "acme/@team", "#12", "x#12", "GH-12", "gh-7", "@ada @eve"])
def test_no_name_in_a_migration_notifies_a_person_or_links_to_an_issue(name: str) -> None:
    """GitHub reads the text after Markdown, so an escape alone doesn't help. In code, it ignores them."""
    html = _html(_comment(_finding(f"public.{name}"), _finding(name)))

    outside_code = re.sub(r"<code>.*?</code>", "", html)
    assert re.findall(r"(?i)@\w|#\d|gh-\d", re.sub(r'href="[^"]*"', "", outside_code)) == []


def test_character_references_survive_the_separators() -> None:
    """An escaped character is written as a reference, which has a number sign and digits itself."""
    page = parsed(_html(_comment(_finding("see https://example.com and ~~x~~"))))

    assert "see https://example.com and ~~x~~" in text_of(page)


@pytest.mark.parametrize("message", ["x" * 900, "ü€😀" * 300, "<" * 5000], ids=["plain", "wide", "escaped"])
def test_a_comment_never_exceeds_what_github_takes(message: str) -> None:
    """The rest is counted, and the most urgent findings are those that fit."""
    findings = [_finding(message, level=level, line=n + 1) for n in range(500) for level in ("notice", "error")]
    text = _comment(*findings)

    assert len(text.encode()) <= COMMENT_LIMIT
    shown = text.count("\n- **error**")
    assert "**notice**" not in text
    assert shown > 5
    assert f"{1000 - shown} more are in the log of the workflow." in text
    assert text.endswith("</sub>\n")
