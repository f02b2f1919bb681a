from __future__ import annotations

import base64
import json
import shlex
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.limits import must_end

from runbook.policy.redaction import MASK, Redactor

SECRET = "p@ss w/ord?'é+1"
TOKEN = "sbp_" + "0a1b" * 10
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.c2lnbmF0dXJlLXNpZ25hdHVyZQ"

values = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=4, max_size=20)
texts = st.text(max_size=40)


def streamed(redactor: Redactor, *pieces: str) -> str:
    """Return all that a redactor gives out for a stream in these pieces."""
    return "".join(redactor.feed(piece) for piece in pieces) + redactor.flush()


@pytest.mark.parametrize(
    "shown",
    [
        SECRET,
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip("="),
        quote(SECRET, safe=""),
        quote(SECRET, safe="").lower().replace("p%40ss", "p%40ss"),
        quote_plus(SECRET),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        shlex.quote(SECRET)[1:-1],
        SECRET.replace("'", "''"),
        SECRET.encode().hex(),
        SECRET.encode().hex().upper(),
    ],
)
def test_a_known_secret_is_hidden_in_every_spelling(shown: str) -> None:
    """What stands around it stays; nothing of the secret does."""
    assert Redactor([SECRET]).redact(f"before [{shown}] after") == f"before [{MASK}] after"


@settings(deadline=None)
@given(before=st.binary(max_size=5), secret=st.text(min_size=8, max_size=30), after=st.binary(max_size=5))
@example(before=bytes(5), secret="~000000\x80", after=b"")
@example(before=b"", secret='000"""""', after=b"")
def test_base64_of_a_longer_text_hides_what_is_the_secrets_alone(before: bytes, secret: str, after: bytes) -> None:
    """Every character that encodes nothing else is hidden; the search ignores a + at either end."""
    raw = secret.encode("utf-8", "surrogatepass")
    code = base64.b64encode(before + raw + after).decode()
    own = code[-(-len(before) * 8 // 6) : (len(before) + len(raw)) * 8 // 6]
    left = Redactor([secret]).redact(code)
    assert MASK in left
    assert len(left.replace(MASK, "")) <= len(code) - len(own.strip("+"))


@settings(deadline=None)
@given(secret=values, before=texts, after=texts)
def test_no_cut_of_the_stream_lets_a_secret_through(secret: str, before: str, after: str) -> None:
    """At every split point the stream gives out what redacting the whole gives."""
    whole = before + secret + after
    expected = Redactor([secret]).redact(whole)
    assert not any(secret in part for part in expected.split(MASK))
    for cut in range(len(whole) + 1):
        stream = Redactor([secret])
        assert streamed(stream, whole[:cut], whole[cut:]).replace(MASK, "") == expected.replace(MASK, "")


@settings(deadline=None)
@given(secret=st.text("ab\n", min_size=4, max_size=8), text=st.text("ab\n'", max_size=60), data=st.data())
def test_any_chunking_of_repeating_text_gives_the_same(secret: str, text: str, data: st.DataObject) -> None:
    """Secrets that overlap themselves are found in the same places, however the text arrives."""
    pieces: list[str] = []
    rest = text
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        pieces.append(rest[:size])
        rest = rest[size:]
    assert streamed(Redactor([secret]), *pieces) == Redactor([secret]).redact(text)


@settings(deadline=None, max_examples=300)
@given(
    pieces=st.lists(
        st.sampled_from(
            [
                *("a", "b", "ab", "%", "\\", "\\u00", "61", "%61", "%256", "2", "&", "&#97;", "amp;", "#98;", "\x1b"),
                *("\x1b[", "1m", "\x1b[K", " ", "\n", "\r\n   ", "'", '"', "\u200b", "YWJhYmFi", "6162", "é"),
                *("e\u0301", "x", "-", "+"),
            ]
        ),
        max_size=24,
    ),
    secrets=st.lists(
        st.sampled_from(["abab", "ab", "baa%61b", "éabé", "abababab", "aab\nbba aab", "%2b-a"]), min_size=1, max_size=3
    ),
    data=st.data(),
)
def test_any_chunking_of_escaped_text_gives_the_same(
    pieces: list[str], secrets: list[str], data: st.DataObject
) -> None:
    """Escapes and control sequences may be cut anywhere."""
    whole = "".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    parts = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    expected = Redactor(secrets).redact(whole)
    assert streamed(Redactor(secrets), *parts) == expected
    assert streamed(Redactor(secrets), *whole) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"token {TOKEN}.", f"token {MASK}."),
        (f"key={JWT}\n", f"key={MASK}\n"),
        ("sb_secret_abcdefghij0123456789 x", f"{MASK} x"),
        (
            "postgresql://postgres.ref:hun-ter2@db.host:5432/postgres",
            f"postgresql://postgres.ref:{MASK}@db.host:5432/postgres",
        ),
        ("SUPABASE_DB_PASSWORD=hunter2 npx", f"SUPABASE_DB_PASSWORD={MASK} npx"),
        ("export PGPASSWORD='two words' x", f"export PGPASSWORD={MASK} x"),
        ("supabase link --password hunter2 --debug", f"supabase link --password {MASK} --debug"),
        ("Authorization: Bearer abcdefgh.123", f"Authorization: Bearer {MASK}"),
    ],
)
def test_secrets_of_a_known_shape_are_hidden_unasked(text: str, expected: str) -> None:
    """They need not be known beforehand. In pieces, no more than the telling beginning (`sbp_`) is seen."""
    assert Redactor().redact(text) == expected
    head, tail = expected.split(MASK)
    pieces = [*((text[:cut], text[cut:]) for cut in range(len(text) + 1)), tuple(text)]
    for out in (streamed(Redactor(), *each) for each in pieces):
        seen = out.removeprefix(head).removesuffix(tail).removesuffix(MASK)
        assert out.endswith(MASK + tail)
        assert any(public.startswith(seen) for public in ("sbp_", "sb_secret_", "eyJ"))


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://127.0.0.1:5432/postgres?sslmode=disable",
        "Deploying function: complete-task (project abcdefghijklmnopqrst)",
        "sbp_short eyJ.a.b password: PASSWORD = x",
        "https://supabase.com/dashboard/project/_/settings",
    ],
)
def test_plain_output_is_left_alone(text: str) -> None:
    """Words that only resemble a secret stay readable."""
    assert Redactor().redact(text) == text
    assert streamed(Redactor(), *text) == text


def test_a_prompt_is_shown_at_once() -> None:
    """A question without a line end is not held back, and a typed letter echoes."""
    stream = Redactor(["hunter2-hunter2"])
    assert stream.feed("Apply 2 migrations?  [y/N] ") == "Apply 2 migrations?  [y/N] "
    assert [stream.feed(letter) for letter in "yes"] == ["y", "e", "s"]


def test_what_is_held_back_is_bounded() -> None:
    """A token that never ends is cut and dropped, not collected."""
    stream = Redactor()
    given_out = "".join(stream.feed("eyJ" + "a" * 1000 if not at else "a" * 1000) for at in range(60))
    assert given_out == MASK
    assert stream.feed("a b") + stream.flush() == " b"


def test_a_very_short_secret_is_hidden_where_it_stands_alone() -> None:
    """Inside other words it would hide half of the output."""
    assert Redactor(["ab"]).redact("ab cab ab.") == f"{MASK} cab {MASK}."
    assert streamed(Redactor(["ab"]), "x a", "b", "c ab") == f"x abc {MASK}"


def test_an_empty_secret_hides_nothing() -> None:
    """A secret that was left empty must not blank the output."""
    assert Redactor([""]).redact("abc") == "abc"


@pytest.mark.parametrize("secret", ["%20%20%20%20", "%20%20ab", "&nbsp;&nbsp;", "'" * 4, "- - -", "\u200b" * 5])
def test_a_secret_of_what_is_mostly_left_out_is_hidden_as_it_is(secret: str) -> None:
    """Nothing else is hidden: the value must not be reduced to an empty text or to a word of two letters."""
    assert Redactor([secret]).redact(f"ab [{secret}] ab") == f"ab [{MASK}] ab"
    assert streamed(Redactor([secret]), *f"ab [{secret}] ab") == f"ab [{MASK}] ab"


def test_a_private_key_is_hidden_line_by_line() -> None:
    """A terminal ends lines its own way and a log may indent them."""
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END KEY-----\n"
    shown = Redactor([key]).redact("".join(f"  {line}\r\n" for line in key.splitlines()))
    assert "MIIE" not in shown
    assert "hkiG" not in shown


@pytest.mark.parametrize("text", ["eyJ-" * 20_000, "A_" * 40_000, "a." * 40_000, "://" * 30_000, "bearer " * 12_000])
def test_hostile_output_is_passed_on_or_hidden(text: str) -> None:
    """No pattern backtracks over what almost matches: it comes out whole, or masked as a whole."""
    with must_end():
        assert streamed(Redactor([SECRET]), text) in {text, MASK}
