"""The page of benchmarks: every figure in words, bars that follow the ratios, and one clear error without a report."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from html import unescape
from math import log2
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from support.sites import visiting

from benchmarks.__main__ import main as bench
from benchmarks.figures import Figure, Figures
from benchmarks.timing import Spread
from runbook.errors import RunbookError
from runbook.site import source, speed

MACHINE = {
    "date": "2026-11-28 20:19 UTC",
    "processor": "AMD <EPYC>",
    "cores": "2",
    "memory": "24 GiB",
    "commit": "1a2b3c4",
}
WORDS = {"held": "held", "missed": "missed", "measured": "no budget", "not here": "not measured here"}
"""What the page says of each verdict."""


def figure(what: str, middle: float, at_most: float | None = None, turns: int = 10) -> Figure:
    """Return a figure with that ratio, and a tenth of it as its range on either side."""
    return Figure(
        group="Start",
        what=what,
        unit="ms",
        value=Spread(9, 10 * middle, 11 * middle),
        beside="python -c pass",
        other=Spread(9, 10, 11),
        ratio=Spread(middle * 0.9, middle, middle * 1.1),
        at_most=at_most,
        turns=turns,
    )


MISSED = figure("runbook show", 8, at_most=4)
FIGURES = (
    *(figure("runbook list", 2, at_most=4), figure("just --list", 0.25), figure("runbook --version", 1, turns=3)),
    MISSED,
    Figure(group="Start", what="paulrun --help", unit="ms", beside="python -c pass", note="needs Python 3.12 or newer"),
    Figure(group="Guard", what="lines of a shell", unit="a second", value=Spread(99.96, 15_234, 16_100), note="warm"),
    Figure(group="Site: weight", what="page", unit="kB", value=Spread(61.24, 61.24, 61.24), ratio=Spread(0, 0, 0)),
)

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Give the site another report: these figures, as `scripts/bench` writes them."""

    def report(*figures: Figure, **earlier: Figure) -> Path:
        groups: dict[str, Any] = {"starts": {"machine": MACHINE, "figures": Figures(rows=[*figures]).record()}}
        for date, one in earlier.items():
            groups[date] = {"machine": {**MACHINE, "date": date}, "figures": Figures(rows=[one]).record()}
        file = tmp_path / speed.REPORT
        file.write_text(json.dumps(groups), encoding="utf-8")
        source.forget()
        return file

    monkeypatch.setattr(speed, "DATA", tmp_path)
    yield report
    source.forget()


def text_of(html: str) -> str:
    """Return what a reader sees of HTML, except drawings."""
    seen = re.sub(r"<svg.*?</svg>", "", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", seen)).split())


def row(html: str, what: str) -> str:
    """Return the row of a figure."""
    return html.partition(f'<th scope="row">{what}')[2].partition("</tr>")[0]


def places(html: str, what: str) -> tuple[float, float, list[float]]:
    """Return where the bar of a figure begins and ends, and where its budget is, in per cent of its width."""
    drawn = row(html, what)
    (x, width) = re.findall(r'<rect x="([\d.]+)%" width="([\d.]+)%"', drawn)[0]
    budgets = re.findall(r'class="rb-speed__budget" x1="([\d.]+)%"', drawn)
    return float(x), float(x) + float(width), [float(one) for one in budgets]


def test_the_page_has_every_figure_of_the_report_with_its_verdict(site: Path) -> None:
    """Its group, its value, what it's beside, its ratio: all of it as text, none of it in a drawing alone."""
    html = (site / "reference/speed.html").read_text(encoding="utf-8")
    report = speed.read_report()
    assert report.machine.date in text_of(html)
    below: dict[str, str] = {}  # what is left of each group: two rows may measure the same beside something else
    for one in report.figures:
        heading = f'<h2 id="speed-{re.sub(r"[^a-z0-9]+", "-", one.group.lower())}"'
        left = below.setdefault(one.group, unescape(html.partition(heading)[2].partition("<h2")[0]))
        shown = text_of(row(left, one.what))
        below[one.group] = left.partition(f'<th scope="row">{one.what}')[2]
        assert WORDS[one.verdict] in shown, one
        assert one.beside in shown
        assert one.value is None or f"{one.value.median} {one.unit}" in shown
        assert one.ratio is None or f"{one.ratio.median} times" in shown


def test_each_verdict_is_said_in_words(write: Write) -> None:
    """With the budget, the reason why something isn't measured, and three digits of each number."""
    write(*FIGURES)
    shown = {one.what: text_of(row(speed.figures(), one.what)) for one in FIGURES}
    assert shown["runbook list"] == "20.0 ms python -c pass, 10.0 ms 2.00 times (1.80 to 2.20) budget 4: held"
    assert shown["runbook --version"].endswith("1.00 times (0.900 to 1.10, 3 turns) no budget")
    assert shown["runbook show"].endswith("8.00 times (7.20 to 8.80) budget 4: missed")
    assert shown["just --list"].endswith("0.250 times (0.225 to 0.275) no budget")
    assert shown["paulrun --help"] == "python -c pass not measured here: needs Python 3.12 or newer"
    assert shown["lines of a shell"] == "warm 15,200 a second (100 to 16,100) no budget"
    assert shown["page"] == "61.2 kB 0 times no budget"


def test_missed_budgets_are_named_first(write: Write) -> None:
    """Before all groups, with the ratio and the budget; without one, the page says that all are held."""
    write(*FIGURES)
    above = text_of(speed.figures().partition("<h2")[0])
    assert "1 of 2 budgets is missed: Start , runbook show: 8.00 times python -c pass. Its budget is 4." in above
    write(*(one for one in FIGURES if one is not MISSED))
    assert "The only budget is held." in text_of(speed.figures())
    write(*FIGURES[1:3])
    assert "budgets" not in text_of(speed.figures())


def test_bars_follow_the_ratios_and_the_mark_is_where_the_budget_is(write: Write) -> None:
    """A bar begins at 1. Twice as much is as long as half as much, and a mark at 4 is twice as far as a bar to 2."""
    write(*FIGURES)
    html = speed.figures()
    one, two, (budget,) = places(html, "runbook list")
    doubling = two - one
    assert doubling > 5
    assert budget - one == pytest.approx(2 * doubling, abs=0.05)
    begin, end, marks = places(html, "just --list")
    assert [begin, end, *marks] == pytest.approx([one - 2 * doubling, one], abs=0.05)
    assert places(html, "runbook --version")[:2] == (one, one)
    begin, end, (mark,) = places(html, "runbook show")
    assert (begin, mark) == (one, budget)
    assert end - one == pytest.approx(3 * doubling, abs=0.05)
    ranges = re.findall(r'class="rb-speed__range" x1="([\d.]+)%" x2="([\d.]+)%" y1="50%"', row(html, "runbook list"))
    expected = [one + log2(ratio) * doubling for ratio in (1.8, 2.2)]
    assert [float(place) for place in ranges[0]] == pytest.approx(expected, abs=0.05)


def test_a_scale_has_room_for_all_that_is_drawn_and_names_its_doublings(write: Write) -> None:
    """Also for a ratio of a thousand. A group of small differences has a scale on which they look small."""
    write(figure("huge", 1000, at_most=0.01), figure("small", 1.02))
    html = speed.figures()
    drawn = [float(place) for place in re.findall(r'(?:x1|x2|x)="([\d.-]+)%"', html)]
    assert 0 < min(drawn) < max(drawn) < 100
    assert re.findall(r"<text[^>]*>([^<]+)</text>", html) == ["1/64", "1/8", "1", "8", "64", "512"]
    write(figure("small", 1.02))
    html = speed.figures()
    assert re.findall(r"<text[^>]*>([^<]+)</text>", html) == ["1/2", "1", "2"]
    begin, end, _ = places(html, "small")
    assert end - begin < 2
    write(figure("quick", 0.1, at_most=0.3))
    assert re.findall(r"<text[^>]*>([^<]+)</text>", speed.figures())[-2:] == ["1", "2"]


def test_the_machine_is_named_as_the_report_names_it(write: Write) -> None:
    """Nothing in it is HTML."""
    write()
    assert text_of(speed.machine()) == (
        "Measured 2026-11-28 20:19 UTC. Processor: AMD <EPYC>, 2 cores. Memory: 24 GiB. Commit: 1a2b3c4."
    )


def test_figures_of_an_earlier_day_say_so(write: Write) -> None:
    """The machine's line has the newest date; a group that wasn't measured again then has its own."""
    write(*FIGURES[:2], **{"2026-11-01 08:00 UTC": FIGURES[-1]})
    assert "Measured 2026-11-28 20:19 UTC." in text_of(speed.machine())
    _, starts, weight = re.split(r"<h2", speed.figures())
    assert "Measured" not in starts.partition("<table")[0]
    assert "Measured 2026-11-01 08:00 UTC." in weight.partition("<table")[0]


@pytest.mark.parametrize(
    ("turns", "now", "is_named"), [(10, 2.3, False), (10, 2.6, True), (3, 2.6, False), (3, 3.0, False), (3, 4.0, True)]
)
def test_a_ratio_differs_if_neither_turns_nor_minutes_explain_it(turns: int, now: float, *, is_named: bool) -> None:
    """Ranges of ten turns must meet, and those of fewer nearly: all of them may be of a slower minute."""
    before = figure("runbook list", 2, turns=turns).record()
    later = Figures(rows=[figure("runbook list", now, turns=turns)])
    name = f"Start, runbook list: {now:.2f} ({now * 0.9:.2f} to {now * 1.1:.2f}) now, 2.00 (1.80 to 2.20) before"
    assert [*later.differing([before])] == [name] * is_named
    assert [*later.differing([])] == []


def test_a_ratio_that_a_later_run_lacks_is_named(
    write: Write, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What couldn't be measured again isn't the same."""
    monkeypatch.setattr("benchmarks.__main__.REPORT", write(FIGURES[0], FIGURES[1], FIGURES[4]))
    monkeypatch.setattr("benchmarks.starts.measure", lambda figures, _: figures.add(FIGURES[0]))
    assert bench(["starts", "--compare"]) == 0
    said = capsys.readouterr().out.partition("Beside the report:")[2]
    assert said.split("\n") == [
        *("", "  no ratio differs", ""),
        *("Only in the report:", "  Start, just --list, beside python -c pass", ""),
    ]


@pytest.mark.parametrize("words", [["starts", "--json", "nowhere/report.json"], ["nonsense"]])
def test_a_wrong_word_is_refused_before_anything_is_measured(
    words: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A group takes minutes, and its figures would be lost."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("benchmarks.starts.measure", lambda *_: pytest.fail("it was measured"))
    with pytest.raises(SystemExit) as refused:
        bench(words)
    assert refused.value.code == 2
    assert re.search("there is no directory nowhere|invalid choice: 'nonsense'", capsys.readouterr().err)


def test_measuring_one_group_again_keeps_the_others(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """With their own date, and in the order of a whole run."""
    file = write(FIGURES[0])
    monkeypatch.setattr("benchmarks.guard.measure", lambda figures, _: figures.add(FIGURES[-2]))
    assert bench(["guard", "--json", str(file)]) == 0
    source.forget()
    starts, guard = speed.read_report().figures
    assert (starts.what, starts.machine.date) == (FIGURES[0].what, MACHINE["date"])
    assert guard.what == FIGURES[-2].what
    assert guard.machine.date > starts.machine.date


@pytest.mark.parametrize(
    "text",
    [
        *(None, "", "<<<<<<< HEAD", "[]", "{}", '{"starts": []}', '{"starts": {"machine": {}, "figures": []}}'),
        json.dumps({"starts": {"machine": MACHINE, "figures": [{**MISSED.record(), "verdict": "fine"}]}}),
        json.dumps({"starts": {"machine": MACHINE, "figures": [{**MISSED.record(), "ratio": [1, 2]}]}}),
        json.dumps({"starts": {"machine": MACHINE, "figures": [{"what": "runbook list"}]}}),
    ],
)
def test_a_report_that_cannot_be_read_is_one_error_that_says_how_to_write_it(write: Write, text: str | None) -> None:
    """Missing, broken by a merge, or of another form."""
    file = write()
    file.unlink() if text is None else file.write_text(text, encoding="utf-8")
    with pytest.raises(RunbookError, match=r"the benchmark report \S+benchmarks\.json can't be read: ") as broken:
        speed.figures()
    assert broken.value.hint == f"Measure again: scripts/bench --json {file}"


def test_the_page_can_be_read_on_a_phone_without_scripts_in_any_colours(site: Path, browser: Browser) -> None:
    """Drawings have letters as large as the text's, a scale is as wide as its bars, and each table as the text."""
    for width, scheme in ((412, "dark"), (1280, "light")):
        with visiting(browser, site.as_uri(), java_script_enabled=False, color_scheme=scheme) as visit:
            page = visit.open("reference/speed.html")
            page.set_viewport_size({"width": width, "height": 900})
            scale = page.locator(".rb-speed__scale").first
            expect(scale).to_be_visible()
            size = scale.locator("text").first.evaluate("one => parseFloat(getComputedStyle(one).fontSize)")
            assert size >= 11
            bar = page.locator("tbody .rb-speed__bar").first
            box, axis = bar.bounding_box(), scale.bounding_box()
            assert box is not None
            assert axis is not None
            assert box["width"] > 200
            assert [box["x"], box["width"]] == pytest.approx([axis["x"], axis["width"]], abs=1)
            tables = page.locator("table.rb-speed").evaluate_all("all => all.map(one => one.offsetWidth)")
            assert set(tables) == {page.locator("article").evaluate("one => one.clientWidth")}
            assert visit.elsewhere == []
            assert visit.errors == []
