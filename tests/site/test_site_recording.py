"""The recorded drill and README's pictures: made from the real thing, and never out of date."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

from playwright.sync_api import Browser, expect
from support.readme_pictures import PAGE, TERMINAL, page_source, source_of, terminal_picture
from support.sites import visiting

from runbook.cli.screenshots import screens_digest
from runbook.model import Book
from runbook.site.recording import read_recording

RENEW = "the screens changed: run scripts/pictures"
STYLE = re.compile(r"\x1b\[[0-9;]*m")


def test_the_recorded_drill_shows_the_screens_of_today() -> None:
    """Neither the procedure nor the look of its steps has changed since it was recorded."""
    assert read_recording("emergency-rollback")["screens"] == screens_digest("emergency-rollback"), RENEW


def test_the_pictures_of_the_readme_show_what_there_is_today() -> None:
    """The screen is drawn as it is now; the page's procedure, templates and styles are those it was drawn from."""
    assert TERMINAL.read_text(encoding="utf-8") == terminal_picture(), RENEW
    assert source_of(PAGE.read_bytes()) == page_source(), RENEW


def test_the_recorded_drill_is_one_that_its_scenario_has(book: Book) -> None:
    """It's what `runbook drill` starts by itself; it ends with its proofs, and names no place of a machine."""
    recording = read_recording("emergency-rollback")
    shown = STYLE.sub("", "\n".join(frame["screen"] for frame in recording["frames"]))
    assert recording["scenario"] == book.procedure("emergency-rollback").drills[0].name
    assert "Drill passed" in shown
    assert re.findall(r"/(?:tmp|home|root|Users|work)/\S+", shown) == []
    assert [frame["keys"] for frame in recording["frames"]].count("yes Enter") == 1


def test_a_recorded_drill_is_played_by_keys_and_read_without_scripts(site: Path, browser: Browser) -> None:
    """Buttons and arrow keys step through it, one screen at a time; all of it is text, and nothing starts by itself."""
    frames = read_recording("emergency-rollback")["frames"]
    html = (site / "start" / "recorded-drill.html").read_text(encoding="utf-8")
    screens = re.findall(r'<pre class="rb-terminal-screen".*?>(.*?)</pre>', html, re.DOTALL)
    texts = [unescape(re.sub(r"<[^>]+>", "", screen)) for screen in screens]
    assert texts == [STYLE.sub("", frame["screen"]) for frame in frames]
    with visiting(browser, site.as_uri()) as visit:
        page = visit.open("start/recorded-drill.html#screen-2")
        at, shown = page.locator(".rb-player__at"), page.locator(".rb-frame:visible")
        expect(at).to_have_text(f"Screen 2 of {len(frames)}")
        page.keyboard.press("ArrowRight")
        expect(at).to_have_text(f"Screen 3 of {len(frames)}")
        page.keyboard.press("ArrowLeft")
        page.get_by_role("button", name="Back", exact=True).click()
        expect(at).to_have_text(f"Screen 1 of {len(frames)}")
        expect(page.get_by_role("button", name="Back", exact=True)).to_be_disabled()
        expect(shown).to_have_count(1)
        expect(page.locator(".rb-player__typed")).to_have_text(f"Typed: {frames[0]['keys']}")
        page.get_by_role("button", name="Show all screens").click()
        expect(shown).to_have_count(len(frames))
        expect(page.get_by_role("button", name="Next", exact=True)).to_be_hidden()
        page.get_by_role("button", name="Show one at a time").click()
        expect(shown).to_have_count(1)
        assert visit.elsewhere == []
        assert visit.errors == []
