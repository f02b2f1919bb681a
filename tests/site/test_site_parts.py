"""The parts that pages are made of, one by one."""

from __future__ import annotations

import shlex
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError
from support.books import procedure_text, write_book

from runbook.cli import pages
from runbook.errors import UsageError
from runbook.filling import fill_statement
from runbook.loading import read_book
from runbook.model import Section
from runbook.printable import printable
from runbook.rendering.command_text import quoted, shell_word
from runbook.site import page_html, policy_tables, source
from runbook.site.build_checks import block_ids, dead_links, fence_problems, leftovers, read_addresses
from runbook.site.html_tokens import tokens
from runbook.site.new_procedure import HEADINGS, page, with_nav_entry
from runbook.site.page_context import PageContext
from runbook.site.page_html import unlink, with_labelled_cells
from runbook.site.pictures import StyledText, screen_picture
from runbook.site.procedure_page import part
from runbook.site.prose import plain
from runbook.site.request_line import curl_argv, secrets_to_curl
from runbook.site.templating import block_macro, macro, render
from runbook.site.value_markers import Slot, SqlName, mark, parts
from runbook.steps.view import Block, Expected, HttpRequest

inline = macro("inline")
command_line = macro("command_line")
code_block = macro("code_block")


def expected_of(clause: str) -> str:
    """Return what stands under "Expected" for one clause."""
    shown = macro("expected", "procedure/blocks.html")(Expected((clause,)), None)
    return shown.partition("<dd>")[2].partition("</dd>")[0]


def test_text_of_the_book_brings_no_html() -> None:
    """What an author writes is shown as it is written."""
    assert inline("<b>x</b> & `<i>`") == "&lt;b&gt;x&lt;/b&gt; &amp; <code>&lt;i&gt;</code>"


@given(st.text())
def test_no_text_makes_an_element(text: str) -> None:
    """Only our own few elements come out of a sentence, whatever is in it."""
    made = inline(text)
    for own in ("code", "strong", "/code", "/strong", "/abbr", "/var", "/span"):
        made = made.replace(f"<{own}>", "")
    opened = [
        piece for piece in made.split("<")[1:] if not piece.startswith(("abbr title=", "var data-rb", "span class="))
    ]

    assert opened == []


def test_attributes_are_escaped() -> None:
    """A quotation mark in a value does not end the attribute."""
    assert 'rb-snippet &#34;&gt;&lt;script&gt;"><pre>' in code_block("x", '"><script>')


def test_a_template_that_names_what_it_was_not_given_fails() -> None:
    """A misspelled name fails the build; it leaves no gap on a page."""
    with pytest.raises(UndefinedError, match="'terms' is undefined"):
        render("reference/glossary.html")


def test_a_page_part_begins_with_its_element() -> None:
    """Markdown would wrap HTML that begins with an empty line in a paragraph."""
    assert screen_picture([], key="k", title="T").startswith("<figure")


def test_panes_that_are_equal_need_no_tabs() -> None:
    """One command for all CLI majors is shown once; a difference in case alone is a difference."""
    tabs = macro("tabs")

    assert tabs("key", [("CLI 3", "-f"), ("CLI 2", "-f")]) == "-f"
    assert tabs("key", [("CLI 3", "-f"), ("CLI 2", "-F")]).count("tabbed-block") == 2


@given(st.lists(st.text(min_size=1).map(printable), min_size=1))
def test_a_line_is_quoted_so_that_a_shell_reads_the_same_words(words: list[str]) -> None:
    """The copied text is the argv, whatever visible characters it has."""
    from html import unescape
    from re import sub

    text = unescape(sub(r"<[^>]*>", "", command_line(words)))

    assert shlex.split(text) == words


def test_every_block_that_a_step_may_show_has_its_macro() -> None:
    """A new class of block must not first be missed where a page is built with it."""
    for kind in get_args(Block):
        assert callable(block_macro(kind))


def test_a_sentence_shows_places_for_values_and_their_marks_alike() -> None:
    """A text of a step comes filled with marks; one outside of any step still has its placeholders."""
    place = '<var data-rb-value="table_name">&lt;table_name&gt;</var>'

    assert inline("Push {{table_name}} to `{{table_name}}`") == f"Push {place} to <code>{place}</code>"
    assert inline(f"Push {mark('table_name')}") == f"Push {place}"
    assert inline('Say "{{table_name}}" to {{target}}') == f"Say &#34;{place}&#34; to the target"


def test_in_what_must_hold_all_code_is_literal() -> None:
    """No flag and no term is made of what the output has; a value has its place there too."""
    clause = f"`a ** b ** --c` of `{mark('name')}` is `run`"

    assert expected_of(clause) == (
        '<code>a ** b ** --c</code> of <code><var data-rb-value="name">&lt;name&gt;</var></code> is <code>run</code>'
    )


def test_a_page_says_that_its_requests_reach_production() -> None:
    """Requests go to the hosted project, though they have no target flag. A page that reaches none doesn't say so."""
    for name in ("call-edge-function", "push-migration"):
        assert "on production" in part(name, "opening")
    assert "on production" not in part("onboarding", "opening")


def test_a_request_is_shown_as_it_is_sent() -> None:
    """Its line, its headers, an empty line, its body."""
    request = HttpRequest("POST", "https://x/y", (("apikey", "<key>"),), '{"a": 1}')

    shown = macro("http_request", "procedure/blocks.html")(request, None)

    assert "<code>POST https://x/y\napikey: &lt;key&gt;\n\n{&#34;a&#34;: 1}</code>" in shown


@pytest.mark.parametrize(
    ("secret", "header"), [("k%s\\n", "Authorization: Bearer k%s\\n"), ("sb_publishable_x", "apikey: sb_publishable_x")]
)
def test_a_request_can_be_pasted_into_a_shell(secret: str, header: str) -> None:
    """The line asks for the secret, which reaches curl by its input and is in no argv; the body is one word."""
    headers = (("Authorization", "Bearer <caller_key>"), ("Content-Type", "application/json"))
    request = HttpRequest("POST", "https://x/y", headers, """{"a": "it's"}""", ("Authorization",))
    curl = "curl() { printf '%s|' \"$@\"; cat; }; "

    line = curl + secrets_to_curl(request) + shlex.join(curl_argv(request))
    done = subprocess.run(["bash", "-c", line], input=f"{secret}\n", capture_output=True, text=True, check=True)

    sent = """-i|-X|POST|https://x/y|-H|@-|-H|Content-Type: application/json|--data-raw|{"a": "it's"}|"""
    assert done.stdout == f"caller_key: \n{sent}{header}\n"
    assert done.stderr == ""


def test_several_secrets_go_into_one_request() -> None:
    """Each is asked for in turn, and each has its header."""
    headers = (("Authorization", "Bearer <token>"), ("x-hook", "<hook>"))
    request = HttpRequest("POST", "https://x/y", headers, "", ("Authorization", "x-hook"))
    line = "curl() { cat; }; " + secrets_to_curl(request) + shlex.join(curl_argv(request))

    done = subprocess.run(["bash", "-c", line], input="a\nb\n", capture_output=True, text=True, check=True)

    assert done.stdout == "token: \nhook: \nAuthorization: Bearer a\nx-hook: b\n"


def test_a_field_names_its_place_in_the_output(tmp_path: Path) -> None:
    """The key, and what to choose if the value becomes another one. It says if the output may be empty."""
    steps = """
    - id: see
      title: Look
      run: git status
      capture:
        closed: {json: "functions.slug=app.verify_jwt", becomes: {"true": "no", "false": "yes"}}
        place: {pattern: '\\A((?:\\S+/)?)'}
    - {id: use, title: Use, run: "git show {{closed}} {{place}}"}
    """
    book = read_book(write_book(tmp_path, {"fix-it": procedure_text(steps)}))
    page = PageContext(book, book.procedure("fix-it"))

    closed, place = page.views[page.place_of("see")].fields

    found = "From this step's output: `verify_jwt` where `slug` is `app`. "
    assert closed.ask == f"{found}Choose `no` if it is `true`, `yes` if it is `false`."
    assert closed.choices == ("no", "yes")
    assert place.ask == "From this step's output. If the output is empty, leave this empty."
    assert (closed.may_be_empty, place.may_be_empty) == (False, True)


def test_no_line_ends_inside_a_flag_or_its_value() -> None:
    """A flag that names the target stands out, whatever its value. Only a word with spaces may be broken."""
    flag, name, sql = command_line(("--remote=x-y", "a-b", "select 1"), ("--remote=z",)).split("</span> ")

    assert '<span class="rb-word rb-target"><span class="rb-flag">--remote=</span>x-y' in flag
    assert name == '<span class="rb-word">a-b'
    assert sql.startswith("&#39;select 1&#39;")


def test_a_wide_table_can_be_stacked() -> None:
    """Each cell but the row's first has its column's heading; a table of two columns stays one."""
    three, two = (
        f"<table>\n<thead>\n<tr>\n{''.join(f'<th>A <code>{at}</code></th>' for at in range(columns))}</tr>\n</thead>\n"
        f"<tbody>\n<tr>\n{'<td>1</td>' * columns}</tr>\n</tbody>\n</table>"
        for columns in (3, 2)
    )

    assert '<td>1</td><td data-label="A 1">1</td><td data-label="A 2">1</td>' in with_labelled_cells(three).replace(
        "\n", ""
    )
    assert with_labelled_cells(two) == two


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1))
def test_a_page_quotes_as_the_terminal_does(word: str) -> None:
    """A command looks the same wherever it is read."""
    assert shell_word(word) == quoted(word)


def test_a_place_tells_how_the_walk_escapes_there() -> None:
    """In a string, in an escape string, in a quoted name and as a name: each is another place."""
    sql = "select {{a}} from t where b = '{{b}}' and c = e'{{c}}' and \"x{{d}}\" = 1"

    found = list(parts(fill_statement(sql, {name: mark(name) for name in "abcd"})))

    assert found == [
        "select ",
        SqlName((Slot("a", "quoted"),)),
        " from t where b = '",
        Slot("b", "text"),
        "' and c = e'",
        Slot("c", "escape"),
        "' and ",
        SqlName(("x", Slot("d", "quoted"))),
        " = 1",
    ]


@pytest.mark.parametrize(
    "fence",
    [
        "```python exec=on\nx\n```",
        '```python exce="on" id="x"\nx\n```',
        '```python exec="on"\nx\n```',
        '```python exec="on" html="on" id="x" session="y"\nx\n```',
        '```bash exec="on" html="on" id="x"\nx\n```',
    ],
)
def test_a_block_in_any_other_form_is_found(fence: str) -> None:
    """Markdown would publish it as it stands, without a word."""
    assert len(fence_problems(f"# T\n\n{fence}\n")) == 1


def test_a_block_may_not_use_an_id_twice() -> None:
    """Two blocks of one id are two parts of a page with one name."""
    block = '```python exec="on" html="on" id="x"\nx\n```\n'

    assert fence_problems(block + "\n" + block) == ["two generated blocks have the id x"]


def test_the_page_of_a_new_procedure_is_in_the_right_form() -> None:
    """What `new` writes, the build accepts."""
    source = page("rotate-keys", "Rotate the keys")

    assert fence_problems(source) == []
    assert block_ids(source) == ["rotate-keys"]


@pytest.mark.parametrize("part", [part for part, _ in HEADINGS[:-1]])
def test_a_page_can_be_split_behind_every_part(part: str) -> None:
    """The two halves are the page: nothing is lost, nothing shows twice."""
    halves = pages.procedure("push-migration", through=part), pages.procedure("push-migration", after=part)

    assert "\n".join(halves) == pages.procedure("push-migration")


def test_a_part_that_no_page_has_is_refused() -> None:
    """A misspelt name must not publish half a page."""
    with pytest.raises(ValueError, match="stepz"):
        pages.procedure("push-migration", through="stepz")


def test_leftovers_of_a_block_are_found_in_the_result() -> None:
    """A traceback, a source, an unfilled placeholder; but an example may show a block."""
    assert len(leftovers("<pre>Traceback (most recent call last):\n</pre><code>{{x}}</code>")) == 2
    assert leftovers('<div class="highlight rb-example"><pre>exec="on"</pre></div>') == []


def test_a_nav_entry_goes_to_the_end_of_its_section() -> None:
    """Nothing else of the configuration changes, comments included."""
    config = (
        "a: 1 # kept\nnav:\n  - Start here:\n      - index.md\n  - During: []\n  - When it goes wrong:\n      - x.md\n"
    )

    assert with_nav_entry(config, "new-one", Section.DURING) == config.replace(
        "  - During: []\n", "  - During:\n      - procedures/new-one.md\n"
    )
    assert with_nav_entry(config, "new-one", Section.WRONG) == config + "      - procedures/new-one.md\n"
    with pytest.raises(UsageError, match="no nav section"):
        with_nav_entry(config, "new-one", Section.FUNCTIONS)


@pytest.mark.parametrize(
    ("html", "problem"),
    [
        ('<a href="gone.html">x</a>', "gone.html leads nowhere"),
        ('<a href="b.html#gone">x</a>', "that page has no such anchor"),
        ('<a href="../outside.html">x</a>', "leads nowhere"),
        ('<img src="https://example.org/x.png">', "from another host"),
        ('<p id="a"></p><p id="a"></p>', "the id a occurs twice"),
    ],
)
def test_each_kind_of_dead_end_is_found(tmp_path: Path, html: str, problem: str) -> None:
    """A page, a place, a file outside, another host, an id that is not one."""
    (tmp_path / "a.html").write_text(html)
    (tmp_path / "b.html").write_text('<p id="there"></p>')

    (found,) = dead_links(tmp_path)

    assert problem in found


def test_links_that_are_right_are_left_alone(tmp_path: Path) -> None:
    """Pages, places, directories, other hosts that one may go to."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "index.html").write_text('<a href="../a.html#here">x</a>')
    (tmp_path / "a.html").write_text('<p id="here"></p><a href="sub/">x</a><a href="https://example.org">x</a>')

    assert dead_links(tmp_path) == []


def test_a_screen_is_a_picture_with_its_text_beside_it() -> None:
    """Who can't see it reads the same lines; who can sees each character in its column."""
    drawn = screen_picture(
        [[StyledText("Stop  "), StyledText("<now>", bold=True, colour="red", ground="white")]], key="k", title="T"
    )

    assert '<pre id="k-text">Stop  &lt;now&gt;</pre>' in drawn
    assert 'x="60.8"' in drawn
    assert "rb-ink-red" in drawn
    assert 'aria-describedby="k-text"' in drawn


def test_titles_in_pictures_carry_no_marks() -> None:
    """Backticks, stars and braces are for pages."""
    assert plain("Push `it` to **{{table_name}}**") == "Push it to table name"


def test_the_page_of_commands_says_what_a_team_loosens_and_why(tmp_path: Path) -> None:
    """Whoever wonders about a verdict finds the reason beside it."""
    directory = write_book(tmp_path / "book", policy="loosen: [{rule: secrets-set, where: remote, reason: We can}]\n")
    source.begin_build(book=directory)
    try:
        shown = str(policy_tables.commands("confirm"))
    finally:
        source.begin_build()
    assert shown.count("Your team loosens this (remote): We can") == 1


# --- Links ------------------------------------------------------------------------------------------------------------

_PIECES = [
    *("<a ", "<img\n", "<p>", ">", "</a>", "text", " ", "&quot;", "<!--", "-->", "<script>", "</script>"),
    *("href", "HREF", "src", "data", "xlink:href", "data-x", "title", "=", " = ", "==", '"', "'"),
    *("page.html", "#there", "https://example.com/", "javascript:x", "java&#115;cript:x", "//host", ""),
]


@given(st.lists(st.sampled_from(_PIECES), max_size=14).map("".join))
def test_a_page_without_a_doubtful_link_is_not_parsed_and_every_other_is(html: str) -> None:
    """The quick look never takes a page for harmless in which the parser finds an unsafe link."""
    assert unlink(html) == page_html._without_unsafe_links(html)


@pytest.mark.parametrize(
    "tag",
    [
        '<a href="javascript:x">',
        "<a href=javascript:x>",
        """<a title='href="' href="javascript:x">""",
        """<a title='href="#' href='javascript:x' id="x">""",
        '<a href = "java&#115;cript:x">',
        '<a HREF\n=\n"javascript:x">',
        '<object data=="javascript:x">',
    ],
)
def test_a_tag_with_an_unsafe_link_loses_its_attributes(tag: str) -> None:
    """However its attribute is written."""
    html, refused = unlink(f'<p><a href="page.html">fine</a></p>{tag}</a>')
    assert html.startswith('<p><a href="page.html">fine</a></p><')
    assert "script" not in html
    assert refused


class _Parsed(HTMLParser):
    """What Python's own parser finds: the ids, and the addresses of links."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in reversed(attrs) if name in {"id", "href"} and tag != "meta"]


MARKED_UP = pytest.mark.parametrize(
    "html",
    [
        '<a href="one.html">',
        "<A HREF='one.html'\n ID=two>",
        '<a title="a > b" href="one.html?a=1&amp;b=2#c">',
        '<!-- <a href="one.html"> --><a href="two.html">',
        '<script>"<a href=one.html>"</script><a href="two.html">',
        '<style>a::after{content:"<a href=one.html>"}</style><p id="x">',
        '<code>&lt;a href="one.html"&gt;</code> 1 < 2 <a href="two.html"/>',
        '<img alt=\'"\' id="x"><a data-href="no.html" href="two.html">',
    ],
)


@MARKED_UP
def test_addresses_are_those_that_a_parser_finds(html: str, tmp_path: Path) -> None:
    """Quotes, comments and scripts hide what looks like a tag in them, and nothing else does."""
    file = tmp_path / "page.html"
    file.write_text(html, encoding="utf-8")
    parser = _Parsed()
    parser.feed(html)
    read = read_addresses(file)

    assert sorted([*read.ids, *read.links]) == sorted(parser.found) != []


class _Texts(HTMLParser):
    """The texts that Python's own parser finds."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found = ""

    def handle_data(self, data: str) -> None:
        self.found += data


@MARKED_UP
def test_texts_are_those_that_a_parser_finds(html: str) -> None:
    """Between the tags, with characters in place of their names."""
    parser = _Texts()
    parser.feed(f"<!DOCTYPE html><p>a &amp; b</p>{html}1 < 2 &lt; 3</p>")
    parser.close()
    assert (
        "".join(token.text for token in tokens(f"<!DOCTYPE html><p>a &amp; b</p>{html}1 < 2 &lt; 3</p>"))
        == parser.found
    )
