"""What a deploy of an edge function takes from a directory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from runbook.cli import main
from runbook.edge_function import EdgeFunction, imports_in, read_function
from runbook.errors import RunbookError

HOOK = "supabase/functions/hook"
USUAL = {f"{HOOK}/index.ts": "Deno.serve(() => new Response());"}


def read(directory: Path, files: Mapping[str, str], config: str = "") -> EdgeFunction:
    """Write a project and read its function `hook`."""
    for name, text in {"supabase/config.toml": config, **files}.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text, encoding="utf-8")
    return read_function(directory, "hook")


def test_without_settings_only_callers_with_a_token_are_let_in(tmp_path: Path) -> None:
    """And it starts with index.ts."""
    found = read(tmp_path, USUAL)

    assert (found.verify_jwt, found.entrypoint, found.import_map) == (True, f"{HOOK}/index.ts", "")
    assert (found.files, found.missing) == ((f"{HOOK}/index.ts",), ())


def test_settings_are_those_of_the_function(tmp_path: Path) -> None:
    """Paths in config.toml begin at its own directory."""
    config = """
[functions.other]
verify_jwt = true
[functions.hook]
verify_jwt = false
entrypoint = "./functions/hook/main.ts"
import_map = "../deno.json"
"""
    found = read(tmp_path, {f"{HOOK}/main.ts": "", "deno.json": "{}"}, config)

    assert (found.verify_jwt, found.entrypoint, found.import_map) == (False, f"{HOOK}/main.ts", "deno.json")


@pytest.mark.parametrize("name", ["hook/deno.json", "hook/deno.jsonc", "hook/import_map.json", "import_map.json"])
def test_an_import_map_has_one_of_the_usual_names(tmp_path: Path, name: str) -> None:
    """Beside the function, or in the directory of all functions."""
    assert read(tmp_path, {**USUAL, f"supabase/functions/{name}": "{}"}).import_map == f"supabase/functions/{name}"


def test_imports_are_followed_out_of_the_functions(tmp_path: Path) -> None:
    """From file to file, in circles, and through the import map; packages and hosts are left out."""
    files = {
        f"{HOOK}/index.ts": """
import { a } from "../../../packages/a.ts";
import type { T } from 'npm:zod';
import "jsr:@supabase/functions-js/edge-runtime.d.ts";
import { z } from "zod";
export * from "shared/b.ts";
import c from "exact";
const lazy = await import("./lazy.ts");
import {
  gone,
} from "./gone.ts";
""",
        f"{HOOK}/deno.json": '{"imports": {"shared/": "../../../packages/", "exact": "./c.ts", "zod": "npm:zod"}}',
        f"{HOOK}/c.ts": "",
        f"{HOOK}/lazy.ts": "",
        "packages/a.ts": 'import "./b.ts";',
        "packages/b.ts": 'import "./a.ts";',
        "packages/unused.ts": "",
    }
    found = read(tmp_path, files)

    assert set(found.files) == files.keys() - {"packages/unused.ts"}
    assert found.missing == (f"{HOOK}/gone.ts",)


@pytest.mark.parametrize(
    "text",
    ['const a = "./x.ts";', 'export const a = "./x.ts";', 'export function f(a = "./x.ts") {}', '// import "./x.ts"'],
)
def test_a_text_that_looks_like_a_path_is_no_import(text: str) -> None:
    """Otherwise a deploy would be held for a file that nobody needs."""
    assert [*imports_in(text)] == []


@pytest.mark.parametrize("config", ["[functions.hook]\nentrypoint = './functions/hook/main.ts'", ""])
def test_a_function_without_its_entrypoint_is_an_error(tmp_path: Path, config: str) -> None:
    """A mistyped name, or a mistyped path; the functions that there are, are named."""
    with pytest.raises(RunbookError, match="hook has no source: ") as error:
        read(tmp_path, {"supabase/functions/hok/index.ts": "", "supabase/functions/_shared/x.ts": ""}, config)
    assert error.value.hint.startswith("Functions here: hok. ")


@pytest.mark.parametrize("config", ["[functions", None])
def test_a_config_that_cannot_be_read_is_an_error(tmp_path: Path, config: str | None) -> None:
    """Nothing is guessed."""
    with pytest.raises(RunbookError, match=r"supabase/config\.toml"):
        read(tmp_path, USUAL, config) if config else read_function(tmp_path, "hook")


def test_the_verb_prints_it_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For a procedure to compare with what is live."""
    read(tmp_path, USUAL)

    assert main(["function", "hook", "--workdir", str(tmp_path)]) == 0
    assert json.loads(capsys.readouterr().out)["verify_jwt"] is True
    assert main(["function", "hok", "--workdir", str(tmp_path)]) == 1
    assert "hok has no source" in capsys.readouterr().err
