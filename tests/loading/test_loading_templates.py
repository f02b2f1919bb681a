"""Commands and templates as they are written."""

from __future__ import annotations

import shlex
import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runbook.model.templates import PLACEHOLDER, command_flaws, command_words, names_in, template_flaws

SHELL = set("|;&<>$`()*?{}[]\n")


@given(st.text(alphabet=string.ascii_letters + " '\"\\-=/.~\t\r\xa0\u2028#" + "".join(SHELL), max_size=40))
@example("git log 'a b' \"c d\" e\\ f")
@example("git log a~1")
def test_a_command_without_flaws_is_what_a_shell_would_start(text: str) -> None:
    """What passes is split as a shell splits it, and holds nothing bare that a shell would expand."""
    if command_flaws(text):
        return
    assert command_words(text) == tuple(shlex.split(text))
    lexer = shlex.shlex(text, posix=True, punctuation_chars="|;&<>()")
    lexer.whitespace_split = True
    lexer.commenters = ""
    assert tuple(lexer) == command_words(text)


@pytest.mark.parametrize("construct", sorted(SHELL - set("{}[]\n")))
def test_shell_constructs_are_welcome_in_single_quotes(construct: str) -> None:
    """Quoted, a character is a character."""
    assert command_flaws(f"git log '{construct}'") == []
    assert command_flaws(f"git log {construct}x") != []


@pytest.mark.parametrize("text", ["git show HEAD~1", "git log a:b", "npx x@1", "git log --grep=a,b", "git log 'it''s'"])
def test_harmless_characters(text: str) -> None:
    """What a shell leaves alone needs no quotes."""
    assert command_flaws(text) == []


def test_folded_commands_end_with_a_line_break() -> None:
    """The line break at the end of a block of text is no second command."""
    assert command_flaws("git log\n") == []
    assert command_words("git log\n") == ("git", "log")


@given(st.text(alphabet="{}ab_1 ", max_size=20))
def test_braces_are_placeholders_or_flaws(text: str) -> None:
    """Where there are no flaws, no double braces are left when the placeholders are taken out."""
    if not template_flaws(text):
        rest = PLACEHOLDER.sub("_", text)
        assert "{{" not in rest
        assert "}}" not in rest


def test_names_are_in_order() -> None:
    """Each use of a name is told."""
    assert names_in("{{b}} {{a}}{{b}}") == ("b", "a", "b")
