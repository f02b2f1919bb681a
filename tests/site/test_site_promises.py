"""What the pages promise: one source, the walk's own commands, and corrections that can be seen."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from support.sites import ROOT, open_all, serving, visiting

from runbook.cli.verbs import verbs
from runbook.errors import ExitCode
from runbook.filling import Values
from runbook.loading.shapes import SHAPES
from runbook.model import Book
from runbook.policy.judgement import classify
from runbook.site.page_context import page_context
from runbook.site.reference import Demonstration, all_corrections
from runbook.site.value_markers import Slot, plain_parts
from runbook.steps.destination import production
from runbook.steps.view import CommandToRun

TOOLS = Path(os.environ.get("RUNBOOK_TOOLS") or ROOT / "node_modules")

_FENCE = re.compile(r"^```python exec=.*?^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"npx\s+(?:-\S+\s+)*supabase|\bsupabase\s+(?!CLI)[a-z]")


def test_no_page_carries_a_command_typed_by_hand() -> None:
    """Every Supabase command on the site comes out of a generated block, so none can differ from the book's."""
    for page in sorted((ROOT / "docs").rglob("*.md")):
        typed = _COMMAND.search(_FENCE.sub("", page.read_text(encoding="utf-8")))
        assert typed is None, f"{page.relative_to(ROOT)} has {typed[0] if typed else ''!r}"


# --- the same words as the walk ---------------------------------------------------------------------------------


def _type_values(page: Page, book: Book, procedure: str) -> dict[str, str]:
    """Fill every field of a page, parameters with their examples, and return the values by key."""
    examples = {one.name: one.example for one in book.procedure(procedure).parameters}
    typed: dict[str, str] = page.evaluate(
        """(examples) => Object.fromEntries([...document.querySelectorAll('[data-rb-field]')].map((field) => {
            const key = field.dataset.rbField;
            const example = (field.placeholder || '').replace('for example ', '');
            field.value = field.options ? field.options[1].value : examples[key] || example || '20261123120000';
            field.dispatchEvent(new Event('input', { bubbles: true }));
            return [key, field.value];
        }))""",
        examples,
    )
    refused = page.evaluate("[...document.querySelectorAll('[aria-invalid=true]')].map((one) => one.id)")
    assert refused == [], procedure
    return typed


def _typed_into(values: Values, typed: dict[str, str]) -> dict[str, str]:
    """Return what names stand for at one place of a page, once the fields are filled."""
    return {
        name: "".join(typed.get(each.key, "") if isinstance(each, Slot) else each for each in plain_parts(str(value)))
        for name, value in values.items()
    }


def _lines(page: Page) -> dict[str, str]:
    """Return the visible words of every step's first command by the step's id."""
    found: dict[str, str] = page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll('.rb-step > .rb-step__body .rb-line code')]
            .filter((line) => line.checkVisibility()).reverse()
            .map((line) => [line.closest('.rb-step').id, line.innerText]))"""
    )
    return found


def test_every_command_of_every_page_is_the_walks(browser: Browser, site: Path, book: Book) -> None:
    """With all values typed, each snippet is word for word the argv that the walk runs on production.

    Each parameter but a secret has a field, which takes the book's own example: no pattern is of another dialect.
    """
    compared = 0
    with serving(site) as base, visiting(browser, base) as visit:
        page = visit.context.new_page()
        for procedure in book.procedures.values():
            visit.go(page, f"procedures/{procedure.id}.html")
            open_all(page)
            typed = _type_values(page, book, procedure.id)
            assert {one.name for one in procedure.parameters if not one.secret} <= {*typed}, procedure.id
            views = page_context(procedure.id).views
            for major in (2, 3):
                if page.locator(f"#cli-{major}").count():
                    page.locator(f"#cli-{major}").check()
                shown = _lines(page)
                for place in views:
                    values = _typed_into(place.scope.values, typed)
                    action = place.step.action_on(major)
                    target = production(book.policy, major, values)
                    wanted = action.argv(values, target)
                    # The page shows a request as it is sent, not the command that sends it, which nobody types. Where a
                    # query is too long to read, it shows a shorter command under a lead of its own.
                    blocks = action.view(values, target)
                    if action.runs and any(isinstance(block, CommandToRun) and not block.lead for block in blocks):
                        text = shown[place.anchor]
                        assert tuple(shlex.split(text)) == wanted, f"{procedure.id}: {place.path} on CLI {major}"
                        compared += 1
    assert compared > 200


# --- references that are complete -------------------------------------------------------------------------------


def test_every_exit_code_is_explained(site: Path) -> None:
    """Scripts rely on them."""
    page = (site / "reference" / "exit-codes.html").read_text()

    assert all(f'id="exit-{int(code)}"' in page for code in ExitCode)


def test_every_key_of_the_yaml_is_explained(site: Path) -> None:
    """The reference is made from the table that reads the files; nothing of it is left out."""
    page = (site / "reference" / "yaml.html").read_text()

    for shape in SHAPES.values():
        section = page.partition(f'id="shape-{shape.name}"')[2].partition("<h3")[0]
        assert all(f"<code>{name}</code>" in section for name in shape.by_name), shape.name


def test_every_verb_is_in_the_reference(site: Path) -> None:
    """The command line's own help, on a page."""
    page = (site / "reference" / "command-line.html").read_text()

    assert [verb for verb in verbs() if f'id="runbook-{verb}"' not in page] == []


def test_every_rule_of_the_policy_is_in_the_reference(site: Path, book: Book) -> None:
    """Whatever the guard judges by, people can read."""
    page = (site / "reference" / "commands.html").read_text()

    assert [rule.id for rule in book.policy.rules if f'id="rule-{rule.id}"' not in page] == []


# --- corrections that can be seen -------------------------------------------------------------------------------

PROOFS = [(one.id, proof) for one in all_corrections() for proof in one.proof]


@pytest.mark.parametrize(("name", "proof"), [pytest.param(*one, id=f"{one[0]}-{one[1].cli}") for one in PROOFS])
def test_a_proof_is_never_dangerous(name: str, proof: Demonstration, book: Book) -> None:
    """Whoever tries the lines of the Corrections page harms nothing: none of them writes to production."""
    major = int(proof.cli) if proof.cli.isdigit() else None
    judged = classify(proof.argv, book.policy, major=major)

    assert judged.verdict != "refuse"
    assert judged.effect == "reads" or proof.cli == "any"


@pytest.mark.parametrize(
    ("name", "proof"),
    [pytest.param(*one, id=f"{one[0]}-{one[1].cli}-{index}") for index, one in enumerate(PROOFS) if one[1].prints],
)
def test_a_proof_prints_what_the_page_says(name: str, proof: Demonstration, tmp_path: Path) -> None:
    """Each line, run with the pinned version, in an empty project, without network or account."""
    (tmp_path / "supabase" / "migrations").mkdir(parents=True)
    (tmp_path / "supabase" / "config.toml").write_text('project_id = "nothing"\n')
    program = {"2": "supabase-2", "3": "supabase"}.get(proof.cli)
    argv = proof.argv if program is None else ("node", str(_entry(program)), *proof.argv[2:])

    done = subprocess.run(
        argv,
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "SUPABASE_TELEMETRY_DISABLED": "1", "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert " ".join(proof.prints.split()) in " ".join((done.stdout + done.stderr).split())


def _entry(package: str) -> Path:
    read = json.loads((TOOLS / package / "package.json").read_text())
    return TOOLS / package / str(read["bin"]["supabase"])
