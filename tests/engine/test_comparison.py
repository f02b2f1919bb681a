"""What an output must show: met or not, with one sentence of evidence."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.engine.comparison import capture, compare, digest_of, document_in, plain_text, values_at
from runbook.model import Capture, Expectation

OUTPUT = 'Connecting...\n{"migrations": [{"local": "1", "remote": null}, {"local": "2", "remote": "2"}]}\n'


def fill(text: str) -> str:
    """Put one value in."""
    return text.replace("{{last}}", "2")


@pytest.mark.parametrize(
    ("expect", "code", "evidence"),
    [
        pytest.param(Expectation(), 0, "exit 0, as expected", id="a good exit"),
        pytest.param(Expectation(exit=1), 1, "exit 1, as expected", id="another good exit"),
        pytest.param(
            Expectation(output="Connecting"), 0, "exit 0, as expected; expected the text 'Connecting', saw it"
        ),
        pytest.param(
            Expectation(json=(("migrations.-1.remote", "{{last}}"),)),
            0,
            "exit 0, as expected; migrations.-1.remote is 2, as expected",
            id="a path with a value filled in",
        ),
        pytest.param(
            Expectation(json=(("migrations.*.remote", "2"), ("migrations.0.remote", "null"))),
            0,
            "exit 0, as expected; expected migrations.*.remote to be 2, saw null, 2;"
            " migrations.0.remote is null, as expected",
            id="any of a list, and null",
        ),
        pytest.param(
            Expectation(lacks="is {{last}} now"),
            0,
            "exit 0, as expected; expected no 'is 2 now', saw none",
            id="a text that must not be there, with a value filled in",
        ),
        pytest.param(
            Expectation(matches=r"^Conn\w+", absent="ERROR"),
            0,
            "exit 0, as expected; expected something that matches /^Conn\\w+/, saw it;"
            " expected nothing that matches /ERROR/, saw nothing",
            id="expressions",
        ),
        pytest.param(
            Expectation(matches=r"^Conn\w+", absent="ERROR", in_words="it connects"),
            0,
            "exit 0, as expected; it connects, as expected",
            id="expressions in words",
        ),
    ],
)
def test_what_is_met_is_told(expect: Expectation, code: int, evidence: str) -> None:
    """Each part that was compared."""
    seen = compare(expect, code, OUTPUT, fill)

    assert (seen.is_met, seen.evidence) == (True, evidence)


@pytest.mark.parametrize(
    ("expect", "code", "evidence"),
    [
        pytest.param(Expectation(), 2, "expected exit 0, saw exit 2", id="a bad exit"),
        pytest.param(Expectation(), None, "expected exit 0, saw no exit code", id="no exit"),
        pytest.param(
            Expectation(output="applied"),
            1,
            "expected exit 0, saw exit 1",
            id="the output of a failed command isn't compared",
        ),
        pytest.param(
            Expectation(output="applied"),
            0,
            "expected the text 'applied', saw as the last line '"
            '{"migrations": [{"local": "1", "remote": null}, {"local": "2", "remote": "2"}]}\'',
            id="only what failed is told",
        ),
        pytest.param(
            Expectation(json=(("migrations.7.local", "7"),)),
            0,
            "expected migrations.7.local to be 7, saw nothing there",
            id="nothing at the path",
        ),
        pytest.param(
            Expectation(absent="Connect.ng"),
            0,
            "expected nothing that matches /Connect.ng/, saw 'Connecting'",
            id="something unwanted",
        ),
        pytest.param(
            Expectation(matches="^Conn", absent="Connect.ng", in_words="it is quiet"),
            0,
            "expected that it is quiet, saw 'Connecting'",
            id="something unwanted, in words",
        ),
        pytest.param(
            Expectation(matches="^Refused", in_words="it is refused"),
            0,
            "expected that it is refused, saw as the last line '"
            '{"migrations": [{"local": "1", "remote": null}, {"local": "2", "remote": "2"}]}\'',
            id="something missing, in words",
        ),
        pytest.param(
            Expectation(lacks='"remote": "{{last}}"'),
            0,
            'expected no \'"remote": "2"\', saw it',
            id="a text that must not be there, with a value filled in",
        ),
    ],
)
def test_what_is_not_met_says_what_was_seen_instead(expect: Expectation, code: int | None, evidence: str) -> None:
    """So that nobody must go through the output for it."""
    seen = compare(expect, code, OUTPUT, fill)

    assert (seen.is_met, seen.evidence) == (False, evidence)


def test_an_empty_value_is_called_one() -> None:
    """A sentence that ends with a comma would look cut off."""
    seen = compare(Expectation(json=(("0.remote", "2"),)), 0, '[{"remote": ""}]', fill)
    assert seen.evidence == "expected 0.remote to be 2, saw an empty value"


def test_evidence_names_the_values_that_a_path_was_filled_with() -> None:
    """A placeholder in a report would not say which row was compared."""
    listed = '{"functions": [{"slug": "2", "version": 1}]}'
    path = "functions.slug={{last}}.version"
    met = compare(Expectation(json=((path, "1"),)), 0, listed, fill).evidence
    unmet = compare(Expectation(differs=((path, "1"),)), 0, listed, fill).evidence
    assert met == "exit 0, as expected; functions.slug=2.version is 1, as expected"
    assert unmet == "expected functions.slug=2.version to differ from 1, saw 1"


def test_a_question_answered_no_is_told_apart_from_an_error() -> None:
    """Enter at the question of CLI 3 is a No; whoever pressed it must hear that nothing was done."""
    ending = "\x1b[90m│\x1b[39m  \x1b[2mNo\x1b[22m\r\n\x1b[?25hcontext canceled\r\n"
    evidence = compare(Expectation(), 1, f"◇  Apply 1 migration?\r\n{ending}", str).evidence
    assert evidence == "expected exit 0, saw exit 1: its question was answered No, so it did nothing"
    assert compare(Expectation(), 1, "context canceled\n", str).evidence == "expected exit 0, saw exit 1"


def test_without_json_a_path_says_so() -> None:
    """An error message is no document."""
    seen = compare(Expectation(json=(("a", "1"),)), 0, "error: no", fill)

    assert seen.evidence == "expected a to be 1, saw no JSON in the output"


def test_the_document_is_found_among_other_lines() -> None:
    """The largest one that begins a line; a log line in brackets is none."""
    assert document_in('[info] starting\n{"a": 1}\n[\n  {"b": [1, 2, 3]}\n]\nbye {"c": 1}') == [{"b": [1, 2, 3]}]
    assert document_in("[info] nothing\n{broken") is None


def test_captures_are_found_or_named() -> None:
    """The first group of an expression, else all of its match; the first value at a path."""
    wanted = [Capture("word", pattern="Conn(ect)"), Capture("all", pattern="Conn"), Capture("no", json="x.y")]

    assert capture(wanted, OUTPUT) == ({"word": "ect", "all": "Conn"}, "the output shows no value for no (x.y)")


def test_what_a_terminal_adds_is_taken_away() -> None:
    """Colours, titles, redrawn lines and line ends."""
    assert plain_text("\x1b[1;32mdone\x1b[0m\r\n\x1b]0;title\x07 10%\r 50%\r100%\r\nend") == "done\n100%\nend"


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("a.0", ("1",)),
        ("a.-1", ("true",)),
        ("a.9", ()),
        ("b.c", ('{"d":"é"}',)),
        ("*.0", ("1",)),
        ("a.x", ()),
        ("", ()),
    ],
)
def test_paths_lead_to_texts(path: str, values: tuple[str, ...]) -> None:
    """Numbers and truth values as JSON writes them."""
    assert values_at({"a": [1, 1.5, True], "b": {"c": {"d": "é"}}}, path) == values


@given(output=st.text(max_size=200), path=st.text(max_size=20))
def test_no_output_is_too_odd(output: str, path: str) -> None:
    """Whatever a command prints, there is an answer."""
    expect = Expectation(output="x", json=((path, "1"),))

    assert compare(expect, 0, output, fill).evidence


def test_deep_nesting_is_no_way_to_break_it() -> None:
    """A hundred thousand brackets are no document."""
    assert document_in("[" * 100_000) is None


KEY = "-----BEGIN KEY-----\nabc=\n-----END KEY-----\n"
HELD = Expectation(sha256=(("secrets.name=KEY.value", "token"),))


@pytest.mark.parametrize(
    ("listed", "evidence"),
    [
        pytest.param(digest_of(KEY), "secrets.name=KEY.value to be the digest of token, and it is", id="all of it"),
        pytest.param(digest_of(KEY).upper(), "to be the digest of token, and it is", id="in capitals"),
        pytest.param(digest_of(KEY[:19]), "to be the digest of token, saw another one", id="its first line"),
        pytest.param(digest_of(KEY.strip()), "to be the digest of token, saw another one", id="without the line end"),
        pytest.param(KEY, "to be the digest of token, saw another one", id="the value itself"),
    ],
)
def test_a_secret_is_compared_by_its_digest(listed: str, evidence: str) -> None:
    """All of the value, and no evidence repeats a digest."""
    document = json.dumps({"secrets": [{"name": "KEY", "value": listed}, {"name": "OTHER", "value": digest_of(KEY)}]})
    seen = compare(HELD, 0, document, str, secret={"token": KEY}.get)

    assert seen.is_met == evidence.endswith("it is")
    assert seen.evidence.endswith(evidence)
    assert listed not in seen.evidence


@pytest.mark.parametrize(
    ("output", "saw"),
    [
        ('{"secrets": []}', "nothing there"),
        ("no", "no JSON in the output"),
        ('{"secrets": [{"name": "KEY"}]}', "nothing"),
    ],
)
def test_a_digest_that_is_not_listed_is_not_met(output: str, saw: str) -> None:
    """Not even if the secret isn't known either."""
    assert saw in compare(HELD, 0, output, str, secret={"token": ""}.get).evidence
    assert not compare(HELD, 0, output, str, secret={"token": ""}.get).is_met
    assert not compare(HELD, 0, json.dumps({"secrets": [{"name": "KEY", "value": digest_of("")}]}), str).is_met


def test_a_captured_value_can_be_translated() -> None:
    """What is not in the table was not found."""
    captures = [Capture("open", json="jwt", becomes={"true": "false", "false": "true"})]

    assert capture(captures, '{"jwt": true}') == ({"open": "false"}, "")
    assert capture(captures, '{"jwt": null}') == ({}, "the output shows no value for open (jwt)")
    assert capture(captures, "{}")[0] == {}


def test_words_of_the_author_replace_every_part_for_a_reader() -> None:
    """A page shows no path into an output that a person who does the step by hand doesn't have."""
    expect = Expectation(exit=3, output="o", absent="e", json=(("all_as_before", "true"),), in_words="it is as before")

    assert expect.clauses(fill) == ["it exits with 3", "it is as before"]
    assert compare(Expectation(json=(("last", "1"),), in_words="it is 1"), 0, '{"last": 1}', fill).is_met
    assert not compare(Expectation(json=(("last", "1"),), in_words="it is 1"), 0, '{"last": 2}', fill).is_met
