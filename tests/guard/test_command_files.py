"""Reading files that hold commands: each format, what is read in it, and the place of every command."""

from __future__ import annotations

import json
from textwrap import dedent
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from runbook.guard.command_files.contents import Command, Contents, NotReadableError, line_and_column
from runbook.guard.command_files.reading import KindTable, read_commands
from runbook.guard.command_line import packaged_policy
from runbook.model.command_files import CommandFile
from runbook.model.terms import Position

KINDS = {kind.id: kind for kind in packaged_policy().programs.command_files}
PROGRAMS = ("supabase", "psql")


def kind_of(form: str, **more: Any) -> CommandFile:
    """Return a kind of file for a test."""
    return CommandFile(id="test", names=("test",), format=form, at=Position("test", 1, 1), **more)


def read(text: str, kind: CommandFile, files: dict[str, str] | None = None) -> Contents:
    """Read a text, with the files that it includes."""
    return read_commands(text, kind, read=(files or {}).get, programs=PROGRAMS)


def place(text: str, command: Command, word: str) -> str:
    """Return the line and column of a word of a command, and what the file has there."""
    at = command.place_of(command.text.index(word), text)
    line, column = line_and_column(text, at)
    return f"{line}:{column} {text[at : at + len(word)]}"


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.tests])
def test_the_packaged_kinds_find_the_commands_of_their_own_test_files(name: str) -> None:
    """Their test files stand beside them in programs.yaml."""
    for test in KINDS[name].tests:
        found = tuple(" ".join(each.words) or each.text for each in read(test.text, KINDS[name]).commands)
        assert found == test.commands


PLACES = {
    "yaml-plain": ("yaml", "a:\n  - x: one  two\n", "two", "2:13 two"),
    "yaml-quoted": ("yaml", "a:\n  - x: 'it''s two'\n", "two", "2:15 two"),
    "yaml-escaped": ("yaml", 'a:\n  - x: "\\"q\\"\\t\\u00e9 two"\n', "two", "2:23 two"),
    "yaml-literal": ("yaml", "a:\n  - x: |-\n      one\n        two\n", "two", "4:9 two"),
    "yaml-folded": ("yaml", "a:\n  - x: >\n      one\n      and\n\n      two\n", "two", "6:7 two"),
    "yaml-long-plain": ("yaml", "a:\n  - x: one\n      and\n      two\n", "two", "4:7 two"),
    "yaml-indented-more": ("yaml", "a:\n  - x: |2\n       one\n      two\n", "two", "4:7 two"),
    "yaml-windows": ("yaml", "a:\r\n  - x: |\r\n      one\r\n      two\r\n", "two", "4:7 two"),
    "json": ("json", '{"a": [{"x": "\\"q\\"\\n\\u00e9 two"}]}', "two", "1:29 two"),
    "json-emoji": ("json", '{"a": [{"x": "\\ud83d\\ude00 two"}]}', "two", "1:28 two"),
    "json-comments": ("json", '{ // x\n "a": [/* "x" */ {"x": "one two",},],\n}', "two", "2:29 two"),
    "toml": ("toml", '# c\n[[a]]\nx = "\\"q\\"\\t\\u00e9 two"\n', "two", "3:20 two"),
    "toml-literal": ("toml", "[[a]]\nx = 'one two'\n", "two", "2:10 two"),
    "toml-lines": ("toml", '[[a]]\nx = """\none \\\n   and\ntwo"""\n', "two", "5:1 two"),
    "toml-inline": ("toml", 'a = [ # c\n  {y = 1, x = "one two"},\n]\n', "two", "2:20 two"),
    "toml-dotted": ("toml", '[[a]]\n"x" . z = 1\n[[a]]\n\'x\' = "two"\n', "two", "4:8 two"),
}


@pytest.mark.parametrize("name", PLACES)
def test_the_place_of_a_word_is_right_in_every_way_to_write_a_text(name: str) -> None:
    """Escapes, folds and indentations move the characters of a text away from its value."""
    form, text, word, expected = PLACES[name]
    (command,) = read(text, kind_of(form, commands=("a.*.x",))).commands
    assert place(text, command, word) == expected


@given(st.lists(st.text("ab'\" \\\n\té#:{}-", max_size=8), min_size=1, max_size=4), st.sampled_from(["yaml", "json"]))
def test_the_place_of_a_marked_word_is_found_whatever_is_around_it(parts: list[str], form: str) -> None:
    """A word that occurs once in a text occurs once in its source as well."""
    value = f"{parts[0]}XWORD {''.join(parts[1:])}"
    data = {"a": [{"x": value}]}
    text = yaml.safe_dump(data, allow_unicode=True) if form == "yaml" else json.dumps(data)
    (command,) = read(text, kind_of(form, commands=("a.*.x",))).commands
    assert command.place_of(value.index("XWORD"), text) == text.index("XWORD")


def test_what_a_program_fills_in_can_be_anything_and_moves_no_place() -> None:
    """GitHub fills in expressions before a shell sees the text."""
    text = "a:\n  - x: echo ${{ github.ref }} && two ${{ x }}\n"
    (command,) = read(text, kind_of("yaml", commands=("a.*.x",), fills=(r"\$\{\{.*?\}\}",))).commands
    assert "github" not in command.text
    assert place(text, command, "two") == "2:34 two"


def test_values_of_the_file_are_filled_in_by_name() -> None:
    """Task's own variables, as far as they are texts."""
    text = "vars: {CLI: npx supabase}\ntasks:\n  a: '{{.CLI}} db reset {{.OTHER}}'\n"
    (command,) = read(text, KINDS["taskfile"]).commands
    assert command.text.startswith("npx supabase db reset ")
    assert place(text, command, "reset") == "3:19 reset"


def test_lines_that_one_shell_runs_are_one_text_with_their_own_places() -> None:
    """GitLab runs a list in one shell, so a directory or a variable holds for the lines after it."""
    text = "job:\n  script:\n    - cd app\n    - |\n      if x; then\n        two\n      fi\n"
    (command,) = read(text, KINDS["gitlab"]).commands
    assert command.text == "cd app\nif x; then\n  two\nfi\n\n"
    assert place(text, command, "cd") == "3:7 cd"
    assert place(text, command, "two") == "6:9 two"


def test_an_anchor_counts_in_every_task_that_uses_it() -> None:
    """Merged keys and GitLab's references bring commands of other places."""
    text = dedent("""\
        .base: &base
          script: [one]
        a:
          <<: *base
        b:
          <<: [*base]
          script: [!reference [.base, script], two]
        """)
    found = read(text, KINDS["gitlab"])
    assert {name: [each.text for each in task.commands] for name, task in found.tasks.items()} == {
        ".base": ["one"],
        "a": ["one"],
        "b": ["one\ntwo\n"],
    }


def test_anchors_in_anchors_are_read_in_no_time() -> None:
    """Ten levels of ten aliases would be ten thousand million lines."""
    levels = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    text = "\n".join([*levels, "job: {script: *a11}", "loop: &loop {script: [*loop, y]}"])
    found = read(text, KINDS["gitlab"])
    assert [each.text for each in found.tasks["job"].commands] == ["x"]
    assert [each.text for each in found.tasks["loop"].commands] == ["y"]


DAMAGED = {
    "yaml": ("a: 1\n b: 2\n", 2),
    "json": ('{"a": 1,\n "b" 2}', 2),
    "toml": ("a = 1\nb = = 2\n", 2),
}


@pytest.mark.parametrize("form", DAMAGED)
def test_a_damaged_file_names_the_place(form: str) -> None:
    """The line is that of the mistake."""
    text, line = DAMAGED[form]
    with pytest.raises(NotReadableError) as raised:
        read(text, kind_of(form, commands=("a",)))
    assert raised.value.line == line
    assert raised.value.message


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_a_file_that_is_nested_too_deeply_is_damaged(form: str) -> None:
    """Python's stack is no deeper."""
    with pytest.raises(NotReadableError, match="nested"):
        read("[" * 5000 + "]" * 5000, kind_of(form, commands=("**.a",)))


# --- make --------------------------------------------------------------------------------------------------------


MAKEFILE = """\
CLI ?= npx supabase
.PHONY: fresh types
include more.mk missing.mk

fresh: types | dirs ## wipe it all
	@echo $(CLI) && \\
		$(CLI) db reset
	-$(MAKE) -C sub
types:; $(CLI) gen types
%.o: %.c
	cc $<
define BODY
echo one
echo two
endef
both:
	$(BODY)
	for f in a b; do echo $$f; done
ifdef X
only:
	echo $(shell supabase status $(UNSET)) $(if $(UNSET),x,y) $(call fn,$(CLI))
endif
"""


def test_a_makefile_is_read_with_its_variables_and_included_files() -> None:
    """What make alone could compute is unknown."""
    found = read(MAKEFILE, KINDS["makefile"], {"more.mk": "wipe:\n\t$(CLI) db reset --linked\n"})
    texts = {name: [each.text for each in task.commands] for name, task in found.tasks.items()}
    assert texts["fresh"] == ["echo npx supabase && \\\n\tnpx supabase db reset", "make -C sub"]
    assert found.tasks["fresh"].needs == ("types", "dirs")
    assert texts["types"] == ["npx supabase gen types"]
    assert texts["wipe"] == ["npx supabase db reset --linked"]
    assert texts["both"] == ["echo one", "echo two", "for f in a b; do echo $f; done"]
    assert texts["only"] == ["echo $(supabase status ${UNSET}) \ue000 \ue000"]
    first = found.tasks["fresh"].commands[0]
    assert place(MAKEFILE, first, "echo") == "6:3 echo"
    assert line_and_column(MAKEFILE, first.place_of(first.text.rindex("npx"), MAKEFILE)) == (7, 3)


def test_the_first_real_target_is_the_default_unless_the_file_says_another() -> None:
    """`.PHONY` is no target, and neither is a pattern."""
    assert read(".PHONY: b\n%.o:\n\tx\nhelp:\n\techo\nb:\n\techo\n", KINDS["makefile"]).default == "help"
    assert read(".DEFAULT_GOAL := b\nhelp:\n\techo\nb:\n\techo\n", KINDS["makefile"]).default == "b"


def test_a_variable_of_the_command_line_takes_precedence() -> None:
    """Make ENV=prod TARGET."""
    found = read_commands("ENV = local\na:\n\tpush --$(ENV)\n", KINDS["makefile"], given={"ENV": "linked"})
    assert [each.text for each in found.commands] == ["push --linked"]


def test_a_variable_that_contains_itself_ends() -> None:
    """Make calls that an error."""
    found = read("A = $(B) $(B)\nB = $(A) $(A)\na:\n\techo $(A)\n", KINDS["makefile"])
    assert [each.text[:5] for each in found.commands] == ["echo "]

    large = "".join(f"V{n} = {f'$(V{n + 1})' * 200}\n" for n in range(9))
    (command,) = read(f"{large}a:\n\techo $(V0)\n", KINDS["makefile"]).commands
    assert len(command.text) < 100_000


def test_a_recipe_in_one_shell_is_one_text() -> None:
    """.ONESHELL keeps the directory for the lines after it."""
    found = read(".ONESHELL:\na:\n\tcd sub\n\tpwd\n", KINDS["makefile"])
    assert [each.text for each in found.commands] == ["cd sub\npwd\n"]


# --- just --------------------------------------------------------------------------------------------------------


JUSTFILE = """\
set dotenv-load
cli := "npx supabase"
alias f := fresh
import 'more.just'

# The default
types:
    @{{cli}} gen types

fresh env="a:b" *rest: types (other "x") && after
    {{cli}} db reset \\
      --{{env}} {{rest}}
    -echo done

[private]
restore file:
    #!/usr/bin/env bash
    set -e
    psql -f {{file}}

[script("python3")]
py:
    import os
    os.system("x")
"""


def test_a_justfile_is_read_with_parameters_dependencies_and_scripts() -> None:
    """A recipe with a shebang is one script, and its language is that of the shebang."""
    found = read(JUSTFILE, KINDS["justfile"], {"more.just": "wipe:\n  supabase db reset\n"})
    assert found.default == "wipe"
    assert found.find("f") is found.tasks["fresh"]
    assert found.values["cli"] == "npx supabase"
    fresh = found.tasks["fresh"]
    assert fresh.needs == ("types", "other", "after")
    assert [(each.name, each.default, each.is_variadic) for each in fresh.parameters] == [
        ("env", "a:b", False),
        ("rest", "", True),
    ]
    assert [each.text for each in fresh.commands] == ["{{cli}} db reset \\\n      --{{env}} {{rest}}", "echo done"]
    assert place(JUSTFILE, fresh.commands[1], "done") == "13:11 done"
    (restore,) = found.tasks["restore"].commands
    assert (restore.language, restore.text.splitlines()[1]) == ("", "set -e")
    assert place(JUSTFILE, restore, "psql") == "19:5 psql"
    assert found.tasks["py"].commands[0].language == "python3"


# --- Dockerfiles -------------------------------------------------------------------------------------------------


DOCKERFILE = """\
# syntax=docker/dockerfile:1
FROM node AS build
RUN --mount=type=cache,target=/x npm ci && \\
    # a comment in between

    supabase db push
RUN <<EOF
one
two
EOF
RUN python3 <<EOF
import os
EOF
COPY . .
CMD ["npx", "supabase", "start"]
HEALTHCHECK --interval=5s CMD curl -f http://localhost
ONBUILD RUN three
"""


def test_a_dockerfile_is_read_in_shell_and_exec_form_with_heredocs() -> None:
    """Comments between the lines of an instruction don't count."""
    tasks = read(DOCKERFILE, KINDS["dockerfile"]).tasks
    run = tasks["RUN"].commands
    assert [each.text for each in run] == [
        "npm ci && \\\n    supabase db push",
        "one\ntwo",
        "python3 <<EOF\nimport os\nEOF",
        "three",
    ]
    assert place(DOCKERFILE, run[0], "supabase") == "6:5 supabase"
    assert place(DOCKERFILE, run[1], "two") == "9:1 two"
    assert place(DOCKERFILE, run[3], "three") == "17:13 three"
    assert tasks["CMD"].commands[0].words == ("npx", "supabase", "start")
    assert tasks["HEALTHCHECK"].commands[0].text == "curl -f http://localhost"


def test_the_shell_of_a_dockerfile_may_be_another_language() -> None:
    """On Windows, images use PowerShell."""
    text = 'FROM x\nSHELL ["pwsh", "-c"]\nRUN Remove-Item x\n'
    assert [each.language for each in read(text, KINDS["dockerfile"]).commands] == ["pwsh"]


# --- code --------------------------------------------------------------------------------------------------------


CODE = '''\
"""Run `supabase db reset --linked` never."""
import subprocess
# subprocess.run("supabase db reset --linked")
print("supabase db reset --linked")
subprocess.run("cd x && supabase db push", shell=True)
subprocess.run(
    ["npx", "supabase", "db", "reset"],
)
'''


def test_texts_in_code_are_commands_unless_they_are_only_shown() -> None:
    """Comments, documentation and what is printed don't run."""
    found = list(read(CODE, KINDS["python-script"]).commands)
    assert found[0].text == "cd x && supabase db push"
    assert found[1].words == ("npx", "supabase", "db", "reset")
    assert place(CODE, found[0], "supabase") == "5:25 supabase"
    assert line_and_column(CODE, found[1].place_of(0, CODE)) == (7, 7)


# --- kinds -------------------------------------------------------------------------------------------------------


PATHS = {
    "/p/package.json": "package-json",
    "/p/sub/Makefile": "makefile",
    "/p/build.mk": "makefile",
    "/p/.github/workflows/a/b.yml": "github",
    "/p/.github/dependabot.yml": None,
    "/p/actions/x/action.yaml": "github",
    "/p/.gitlab-ci.yml": "gitlab",
    "/p/Dockerfile.prod": "dockerfile",
    "/p/docker-compose.override.yml": "compose",
    "/p/.devcontainer/x/devcontainer.json": "devcontainer",
    "/p/.husky/pre-push": "husky",
    "/p/scripts/db/wipe.py": "python-script",
    "/p/src/app.py": None,
    "/p/x.PS1": "powershell-script",
    "/p/notes.md": None,
}


def test_a_kind_is_known_by_the_end_of_the_path() -> None:
    """Case doesn't count: file systems differ."""
    table = KindTable(tuple(KINDS.values()))
    assert {path: (kind.id if (kind := table.by_path(path)) else None) for path in PATHS} == PATHS


def test_a_script_is_known_by_its_first_line() -> None:
    """Without a suffix, the shebang says which program reads it."""
    table = KindTable(tuple(KINDS.values()))
    for start, expected in (
        (b"#!/bin/sh\n", "shell-script"),
        (b"#!/usr/bin/env -S bash -e\n", "shell-script"),
        (b"#! /usr/bin/python3.12\n", "python-script"),
        (b"#!/usr/bin/env node\n", "node-script"),
        (b"#!/usr/bin/perl\n", None),
        (b"text", None),
    ):
        kind = table.by_shebang(start)
        assert (kind.id if kind else None) == expected
