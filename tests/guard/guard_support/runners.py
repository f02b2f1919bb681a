"""Layers of task runners around a text: make, just and npm. Each can also keep the text without running it."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from guard_support.nester import Nester

__all__ = ["RUNNERS", "UNUSED_TASKS", "npm"]


class _Tasks(NamedTuple):
    """The text of a file with tasks, and the words after the runner that start one."""

    file: str
    words: str


def _is_plain(command: str) -> bool:
    return re.fullmatch(r"[\w./+ -]+", command) is not None


# make


def _make(nester: Nester, text: str) -> str:
    prepared, command = nester.command(text)
    where = nester.pick("here", "file", "file", "folder")
    if where == "here" and "Makefile" not in nester.files:
        tasks = _makefile(nester, command)
        return f"{prepared}{nester.placed('Makefile', tasks.file)}make {tasks.words}"
    if where == "folder":
        folder = nester.name()
        tasks = _makefile(nester, f"cd .. && {command}")
        start = nester.pick(
            f"make -C {folder} {tasks.words}",
            f"make --directory={folder} {tasks.words}",
            f"(cd {folder} && make {tasks.words})",
            f"pushd {folder} > /dev/null; make {tasks.words}; popd > /dev/null",
            f"env -C {folder} make {tasks.words}",
        )
        return f"{prepared}{nester.placed(f'{folder}/Makefile', tasks.file)}{start}"
    file = f"{nester.name()}.mk"
    tasks = _makefile(nester, command)
    option = nester.pick(f"-f {file}", f"-f{file}", f"--file={file}", f"--makefile {file}")
    return f"{prepared}{nester.placed(file, tasks.file)}make {option} {tasks.words}"


def _makefile(nester: Nester, command: str) -> _Tasks:
    recipe, variable = command.replace("$", "$$"), nester.name().upper()
    kinds = [
        _Tasks(f"all:\n\t{recipe}\n", nester.pick("", "all", "-s")),
        _Tasks(f".PHONY: all step\nall: step\nstep:\n\t@{recipe}\n", nester.pick("", "all", "step")),
        _Tasks(f"ok:\n\t@true\nall: ok\n\t-{recipe}\n", nester.pick("all", "ok all")),
        _Tasks(f".DEFAULT_GOAL := all\nok:\n\t@true\nall:\n\t@{recipe}\n", ""),
        _Tasks(f"%-all:\n\t{recipe}\n", "x-all"),
        _Tasks(f"SHELL := /bin/bash\nok all:\n\t{recipe}\n", "all"),
    ]
    if _is_plain(command):
        kinds += [
            _Tasks(f"{variable} = {recipe}\nall:\n\t$({variable})\n", "all"),
            _Tasks(f"{variable} ?= true\nall:\n\t@$({variable})\n", f"all {variable}={nester.quoted(command)}"),
            _Tasks(f"{variable} := $(shell {recipe})\nall:\n\t@true\n", "all"),
            _Tasks(f"all: ; {recipe}\n", ""),
            _Tasks(f"define {variable}\n{recipe}\nendef\nall:\n\t$({variable})\n", "all"),
        ]
    return nester.random.choice(kinds)


def _unused_target(nester: Nester, text: str) -> str:
    prepared, command = nester.command(text)
    recipe, file = command.replace("$", "$$"), f"{nester.name()}.mk"
    tasks = nester.random.choice(
        [
            _Tasks(f"ok:\n\t@true\nwipe:\n\t{recipe}\n", nester.pick("", "ok")),
            _Tasks(f".PHONY: wipe ok\nok:\n\t@true\nwipe: ok\n\t{recipe}\n", nester.pick("", "ok")),
            _Tasks(f"ok:\n\t@echo {nester.name()}\n# wipe: {recipe}\n", ""),
            _Tasks(f"all:\n\t{recipe}\n", "-n all"),
        ]
    )
    return f"{prepared}{nester.placed(file, tasks.file)}make -f {file} {tasks.words}"


# just


def _just(nester: Nester, text: str) -> str:
    prepared, command = nester.command(text)
    where = nester.pick("here", "file", "file", "folder")
    if where == "here" and "justfile" not in nester.files:
        tasks = _justfile(nester, command, text)
        return f"{prepared}{nester.placed('justfile', tasks.file)}just {tasks.words}"
    if where == "folder":
        folder = nester.name()
        tasks = _justfile(nester, f"cd .. && {command}", f"cd ..\n{text}")
        start = nester.pick(f"(cd {folder} && just {tasks.words})", f"just -f {folder}/justfile {tasks.words}")
        return f"{prepared}{nester.placed(f'{folder}/justfile', tasks.file)}{start}"
    file = f"{nester.name()}.just"
    tasks = _justfile(nester, command, text)
    option = nester.pick(f"-f {file}", f"--justfile {file}", f"--justfile={file}", f"-d . -f {file}")
    return f"{prepared}{nester.placed(file, tasks.file)}just {option} {tasks.words}"


def _justfile(nester: Nester, command: str, text: str) -> _Tasks:
    line = command.replace("{{", "{{{{")
    kinds = [
        _Tasks(f"all:\n    @{line}\n", nester.pick("", "all")),
        _Tasks(f"ok:\n    @true\n\nall: ok\n    {line}\n", "all"),
        _Tasks(f"alias a := all\n\nok:\n    @true\n\n# note\nall:\n    {line}\n", nester.pick("a", "ok a")),
        _Tasks(f"all: step\n\n[private]\nstep:\n    -{line}\n", ""),
        _Tasks(f"set shell := ['bash', '-uc']\n\nall:\n    {line}\n", "all"),
    ]
    if _is_plain(command):
        kinds += [
            _Tasks("all *words:\n    @{{words}}\n", f"all {command}"),
            _Tasks("run := 'true'\n\nall:\n    @{{run}}\n", f"--set run {nester.quoted(command)} all"),
            _Tasks(f"run := '{command}'\n\nall:\n    @{{{{run}}}}\n", "all"),
            _Tasks(f"run := `{command}`\n\nall:\n    @echo {{{{run}}}}\n", "all"),
        ]
    lines = text.split("\n")
    if "{{" not in text and not any(each.startswith((" ", "\t")) for each in lines):
        body = "".join(f"    {each}\n" if each else "\n" for each in lines)
        kinds += [_Tasks(f"all:\n    #!/usr/bin/env bash\n{body}", "all")]
    return nester.random.choice(kinds)


def _unused_recipe(nester: Nester, text: str) -> str:
    prepared, command = nester.command(text)
    line, file = command.replace("{{", "{{{{"), f"{nester.name()}.just"
    content = f"ok:\n    @true\n\nwipe: ok\n    {line}\n"
    words = nester.pick("", "ok", "--list", "--show wipe", "--dry-run wipe", "--summary")
    return f"{prepared}{nester.placed(file, content)}just -f {file} {words}"


# npm


def npm(nester: Nester, text: str) -> str:
    """Run the text by a script of a package."""
    prepared, command = nester.command(text)
    if "package.json" not in nester.files and nester.random.random() < 0.5:
        tasks = _package(nester, command)
        return f"{prepared}{nester.placed('package.json', tasks.file)}npm {tasks.words}"
    folder = nester.name()
    tasks = _package(nester, f"cd .. && {command}")
    start = nester.pick(f"npm --prefix {folder} {tasks.words}", f"(cd {folder} && npm {tasks.words})")
    return f"{prepared}{nester.placed(f'{folder}/package.json', tasks.file)}{start}"


def _package(nester: Nester, command: str) -> _Tasks:
    scripts, words = nester.random.choice(
        [
            (
                {"all": command, "ok": "true"},
                nester.pick("run all", "run-script all", "run -s all", "run all --silent"),
            ),
            ({"preall": command, "all": "true"}, "run all"),
            ({"all": "true", "postall": command}, "run all"),
            ({"test": command}, nester.pick("test", "t", "run test")),
            ({"start": command}, nester.pick("start", "run start")),
            ({"all": "npm run step", "step": command}, "run all"),
        ]
    )
    return _Tasks(json.dumps({"scripts": scripts}, indent=2), words)


def _unused_script(nester: Nester, text: str) -> str:
    prepared, command = nester.command(text)
    folder = nester.name()
    content = json.dumps({"scripts": {"ok": "true", "wipe": command, "prewipe": command}})
    words = nester.pick("run ok", "run", "pkg get scripts.wipe")
    return f"{prepared}{nester.placed(f'{folder}/package.json', content)}npm --prefix {folder} {words}"


RUNNERS = (_make, _make, _just)
UNUSED_TASKS = (_unused_target, _unused_recipe, _unused_script)
