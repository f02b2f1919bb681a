"""What the guard reads besides the line: scripts, package.json, Makefiles, the installed CLI, the environment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runbook.guard.command_line import judge, judge_script, packaged_policy
from runbook.model import Policy, TargetKind, Verdict


def verdict(line: str, directory: Path) -> Verdict:
    """Judge a line that runs in that directory."""
    return judge(line, cwd=str(directory)).verdict


def write_package(directory: Path, scripts: dict[str, str], **more: object) -> None:
    """Write a package.json."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "package.json").write_text(json.dumps({"scripts": scripts, **more}), encoding="utf-8")


@pytest.mark.parametrize("line", ["npm run fresh", "pnpm fresh", "yarn fresh", "bun run fresh", "npm run-script fresh"])
def test_a_package_script_is_judged_by_what_it_runs(line: str, tmp_path: Path) -> None:
    """A harmless name with a dangerous body is refused."""
    write_package(tmp_path, {"fresh": "supabase db reset --linked"})
    assert verdict(line, tmp_path) is Verdict.REFUSE


@pytest.mark.parametrize(
    ("scripts", "line"),
    [
        ({"prebuild": "supabase db reset --linked", "build": "vite build"}, "npm run build"),
        ({"postbuild": "supabase db reset --linked", "build": "vite build"}, "npm run build"),
        ({"all": "npm run wipe", "wipe": "supabase db reset --linked"}, "npm run all"),
        ({"sb": "supabase"}, "npm run sb -- db reset --linked"),
        ({"test": "supabase db reset --linked && vitest"}, "npm test"),
        ({"dev": "bash ./go.sh"}, "cd . && npm run dev"),
    ],
)
def test_what_npm_runs_around_and_below_a_script_counts(scripts: dict[str, str], line: str, tmp_path: Path) -> None:
    """These are scripts before and after it, scripts that it starts, arguments and files."""
    write_package(tmp_path, scripts)
    (tmp_path / "go.sh").write_text("npx supabase db reset --linked\n", encoding="utf-8")
    assert verdict(line, tmp_path) is Verdict.REFUSE


def test_a_harmless_script_is_allowed_and_the_nearest_package_counts(tmp_path: Path) -> None:
    """In a subdirectory, npm runs the scripts of the package above."""
    write_package(tmp_path, {"build": "vite build", "fresh": "supabase db reset --linked"})
    (tmp_path / "src").mkdir()

    assert verdict("npm run build", tmp_path / "src") is Verdict.ALLOW
    assert verdict("npm run fresh", tmp_path / "src") is Verdict.REFUSE
    assert verdict("cd src && npm run fresh", tmp_path) is Verdict.REFUSE


@pytest.mark.parametrize("line", ["make fresh", "make", "make -C . all", "make -f Makefile all", "cd . && make all"])
def test_a_make_target_is_judged_by_its_recipe(line: str, tmp_path: Path) -> None:
    """This includes targets, their prerequisites, and simple variables."""
    reset = "fresh:\n\t@$(SUPABASE) db reset \\\n\t  --linked\n"
    makefile = f"SUPABASE := npx supabase\nall: fresh\n\t@echo ok\n{reset}build:\n\ttsc\n"
    (tmp_path / "Makefile").write_text(makefile, encoding="utf-8")

    assert verdict(line, tmp_path) is Verdict.REFUSE
    assert verdict("make build", tmp_path) is Verdict.ALLOW
    assert verdict("make -n fresh", tmp_path) is Verdict.ALLOW


@pytest.mark.parametrize(
    "line", ["bash go.sh", "./go.sh", ". ./go.sh", "source go.sh", "sh < go.sh", "cat go.sh | bash"]
)
def test_a_script_is_judged_by_its_text(line: str, tmp_path: Path) -> None:
    """However a script is started, its commands count."""
    (tmp_path / "go.sh").write_text("#!/bin/bash\nset -e\nsupabase db reset --linked\n", encoding="utf-8")
    assert verdict(line, tmp_path) is Verdict.REFUSE


def test_a_scripts_arguments_and_variables_count(tmp_path: Path) -> None:
    """`$1` is the argument in the line."""
    (tmp_path / "db.sh").write_text('supabase db "$1" "${2:---linked}"\n', encoding="utf-8")

    assert verdict("bash db.sh reset", tmp_path) is Verdict.REFUSE
    assert verdict("bash db.sh push", tmp_path) is Verdict.ALLOW
    assert verdict("bash db.sh $X", tmp_path) is Verdict.CONFIRM


def test_a_script_of_another_language_is_looked_through(tmp_path: Path) -> None:
    """Code that starts a dangerous command needs a person, whoever runs it."""
    (tmp_path / "wipe.py").write_text("import subprocess\nsubprocess.run(['supabase', 'db', 'reset', '--linked'])\n")
    (tmp_path / "tool").write_text("#!/usr/bin/env python3\nimport os\nos.system('supabase db reset --linked')\n")
    (tmp_path / "docs.py").write_text("print('never: supabase db reset --linked')\n")

    assert verdict("python3 wipe.py", tmp_path) is Verdict.CONFIRM
    assert verdict("./tool", tmp_path) is Verdict.CONFIRM
    assert verdict("python3 docs.py", tmp_path) is Verdict.ALLOW


def test_a_script_that_is_no_shell_and_says_nothing_is_allowed(tmp_path: Path) -> None:
    """A script in zsh's own grammar is allowed, unless it names a dangerous program."""
    (tmp_path / "a.zsh").write_text("print -l ${(f)x}\nfor f (*.txt) { echo $f }\n", encoding="utf-8")
    (tmp_path / "b.zsh").write_text(
        "print -l ${(f)x}\nfor f (*.txt) { supabase db reset --linked }\n", encoding="utf-8"
    )

    assert verdict("zsh a.zsh", tmp_path) is Verdict.ALLOW
    assert verdict("zsh b.zsh", tmp_path) is Verdict.CONFIRM


def test_only_small_regular_files_are_read(tmp_path: Path) -> None:
    """A pipe, a directory or a huge file doesn't block the guard, but its name still counts."""
    import os

    os.mkfifo(tmp_path / "pipe.sh")
    (tmp_path / "dir.sh").mkdir()
    (tmp_path / "big.sh").write_text("#" * 70_000, encoding="utf-8")
    os.mkfifo(tmp_path / "reset-db.sh")

    assert [verdict(f"bash {name}.sh", tmp_path) for name in ("pipe", "dir", "big")] == [Verdict.ALLOW] * 3
    assert verdict("bash reset-db.sh", tmp_path) is Verdict.CONFIRM


def test_nothing_is_read_without_a_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `cwd`, the verdict depends on the line alone."""
    write_package(tmp_path, {"fresh": "supabase db reset --linked"})
    monkeypatch.chdir(tmp_path)
    assert judge("npm run fresh").verdict is Verdict.ALLOW


def by_major(rule: str, bare: dict[int, TargetKind]) -> Policy:
    """Return the policy with a rule that differs between majors."""
    from dataclasses import replace

    policy = packaged_policy()
    changed = tuple(
        replace(each, bare=bare, remote=Verdict.REFUSE, local=Verdict.ALLOW, variants=()) if each.id == rule else each
        for each in policy.rules
    )
    return replace(policy, rules=changed)


PUSHES = by_major("db-push", {2: TargetKind.PRODUCTION, 3: TargetKind.LOCAL})


@pytest.mark.parametrize(
    ("line", "installed", "expected"),
    [
        ("npx supabase db push", "3.1.0", Verdict.ALLOW),
        ("npx supabase db push", "2.122.1", Verdict.REFUSE),
        ("node_modules/.bin/supabase db push", "3.1.0", Verdict.ALLOW),
        ("npx supabase@2 db push", "3.1.0", Verdict.REFUSE),
        ("npx supabase@3.1.0 db push", "2.122.1", Verdict.ALLOW),
        ("supabase db push", "3.1.0", Verdict.REFUSE),
        ("npx supabase db push", "", Verdict.REFUSE),
        ("npm run push", "3.1.0", Verdict.ALLOW),
        ("npm run push", "2.122.1", Verdict.REFUSE),
    ],
)
def test_a_bare_command_is_judged_by_the_major_that_would_run(
    line: str, installed: str, expected: Verdict, tmp_path: Path
) -> None:
    """It's the installed major or the one named. A `supabase` on PATH may have any major, and the worst counts."""
    write_package(tmp_path, {"push": "supabase db push"})
    if installed:
        write_package(tmp_path / "node_modules/supabase", {}, version=installed)

    assert judge(line, cwd=str(tmp_path), policy=PUSHES).verdict is expected


@pytest.mark.parametrize(
    ("spec", "expected"), [("^3.0.0", Verdict.ALLOW), ("2", Verdict.REFUSE), (">=2", Verdict.REFUSE)]
)
def test_the_dependency_tells_the_major_before_it_is_installed(spec: str, expected: Verdict, tmp_path: Path) -> None:
    """package.json pins what npx will download. A range without an upper limit pins nothing."""
    write_package(tmp_path, {}, devDependencies={"supabase": spec})
    assert judge("npx supabase db push", cwd=str(tmp_path), policy=PUSHES).verdict is expected


def test_an_environment_that_retargets_needs_a_person() -> None:
    """A line that names another project in a variable isn't the usual push."""
    push = "npx supabase db push --linked"

    assert judge(push).verdict is Verdict.ALLOW
    assert judge(f"SUPABASE_PROJECT_ID=abc {push}").verdict is Verdict.CONFIRM
    assert judge(f"export SUPABASE_WORKDIR=../other; {push}").verdict is Verdict.CONFIRM
    assert judge(f"env SUPABASE_PROFILE=x {push}").verdict is Verdict.CONFIRM
    assert judge("SUPABASE_PROJECT_ID=abc npx supabase migration list --linked").verdict is Verdict.ALLOW


def test_a_host_in_the_environment_is_the_target() -> None:
    """`PGHOST` sends psql and dropdb elsewhere, whether it's set in the line or before it."""
    assert judge("dropdb scratch").verdict is Verdict.CONFIRM
    assert judge("PGHOST=db.abc.supabase.co dropdb scratch").verdict is Verdict.REFUSE
    assert judge("dropdb scratch", env={"PGHOST": "db.abc.supabase.co"}).verdict is Verdict.REFUSE
    assert judge("PGSERVICE=prod psql -c 'drop table users'").verdict is Verdict.REFUSE
    assert judge("PGHOST=localhost psql -c 'select 1'", env={"PGHOST": "db.x.co"}).verdict is Verdict.ALLOW


def test_sql_in_files_counts(tmp_path: Path) -> None:
    """A file given to psql or `db query` is judged by its statements."""
    (tmp_path / "look.sql").write_text("select count(*) from users;\n", encoding="utf-8")
    (tmp_path / "wipe.sql").write_text("truncate users;\n", encoding="utf-8")

    assert verdict("psql -h db.abc.supabase.co -f wipe.sql", tmp_path) is Verdict.REFUSE
    assert verdict("psql -h db.abc.supabase.co -f look.sql", tmp_path) is Verdict.ALLOW
    assert verdict("psql -h db.abc.supabase.co < wipe.sql", tmp_path) is Verdict.REFUSE
    assert verdict("npx supabase db query --linked -f wipe.sql", tmp_path) is Verdict.REFUSE
    assert verdict("cat wipe.sql | npx supabase db query --linked", tmp_path) is Verdict.REFUSE


def test_a_script_is_judged_command_by_command() -> None:
    """Each judgement has its place, and functions that nobody calls are judged too."""
    script = (
        "#!/bin/bash\nwipe() {\n  supabase db reset --linked\n}\nif true; then\n    npx supabase db push --linked\nfi\n"
    )

    found = [(each.line, each.column, each.judgement.verdict) for each in judge_script(script)]

    assert (3, 3, Verdict.REFUSE) in found
    assert all(verdict is Verdict.ALLOW for line, _, verdict in found if line == 6)


COPIES = [
    "cp go.sh /tmp/copy.sh && bash /tmp/copy.sh",
    "mv go.sh other.sh && ./other.sh",
    "ln -s go.sh link.sh; bash link.sh",
    "install -m 755 go.sh bin/go && bin/go",
    "cp -t /tmp/place go.sh && sh /tmp/place/go.sh",
    "cp go.sh /tmp/ && bash /tmp/go.sh",
    "rsync -a scripts/ /tmp/there/ && bash /tmp/there/deep/go.sh",
    "cp -r scripts /tmp/there && bash /tmp/there/scripts/deep/go.sh",
    "cp -r scripts a && mv a b && bash b/deep/go.sh",
    "cat go.sh > copy.sh && bash copy.sh",
]


@pytest.mark.parametrize("line", COPIES)
def test_a_script_that_the_line_copies_is_read_at_its_first_place(line: str, tmp_path: Path) -> None:
    """Copied, moved, linked or synced, alone or with its directory, once or twice."""
    (tmp_path / "scripts/deep").mkdir(parents=True)
    for path in ("go.sh", "scripts/deep/go.sh"):
        (tmp_path / path).write_text("supabase db reset --linked\n", encoding="utf-8")
    assert verdict(line, tmp_path) is Verdict.REFUSE
    for path in ("go.sh", "scripts/deep/go.sh"):
        (tmp_path / path).write_text("supabase status\n", encoding="utf-8")
    assert verdict(line, tmp_path) is Verdict.ALLOW


def test_pushd_and_popd_lead_to_files_as_cd_does(tmp_path: Path) -> None:
    """The directory that `pushd` leaves is the one that `popd` returns to."""
    write_package(tmp_path / "app", {"fresh": "supabase db reset --linked"})
    assert verdict("pushd app && npm run fresh", tmp_path) is Verdict.REFUSE
    assert verdict("pushd app && popd && cd app && npm run fresh", tmp_path) is Verdict.REFUSE
    assert verdict("pushd app && popd && npm run fresh", tmp_path) is Verdict.ALLOW


def test_an_alias_in_the_repositorys_configuration_is_followed(tmp_path: Path) -> None:
    """Git's own verbs can't be replaced by an alias."""
    (tmp_path / ".git").mkdir()
    config = '[core]\n\tbare = false\n[alias]\n\twipe = "!supabase db reset --linked"\n\tst = status\n\tlog = !reset\n'
    (tmp_path / ".git/config").write_text(config, encoding="utf-8")
    assert verdict("git wipe", tmp_path) is Verdict.REFUSE
    assert verdict("git st && git log", tmp_path) is Verdict.ALLOW


def test_sql_files_are_read_however_the_flag_is_written(tmp_path: Path) -> None:
    """`--file=`, short flags in one word, and several files."""
    (tmp_path / "look.sql").write_text("select 1;", encoding="utf-8")
    (tmp_path / "wipe.sql").write_text("truncate users;", encoding="utf-8")
    for form in ("-f {}", "--file={}", "--file {}", "-1f {}", "-Xqf {}", "-f{}", "-f look.sql -f {}"):
        line = f"psql -h db.example.com {form}"
        assert verdict(line.format("look.sql"), tmp_path) is Verdict.ALLOW, form
        assert verdict(line.format("wipe.sql"), tmp_path) is Verdict.REFUSE, form


def test_a_long_heredoc_may_be_written_but_not_run() -> None:
    """A megabyte of text is no reason to ask; a shell that runs it is."""
    text = "some text, nothing else\n" * 45_000
    assert judge(f"cat > notes.md <<'EOF'\n{text}EOF").verdict is Verdict.ALLOW
    assert judge(f"cat > notes.md <<EOF\n{text}EOF\nsupabase db reset --linked").verdict is Verdict.REFUSE
    assert judge(f"bash <<'EOF'\n{text}EOF").verdict is Verdict.CONFIRM
    assert judge(f"cat > go.sh <<'EOF'\n{text}EOF\nbash go.sh").verdict is Verdict.CONFIRM
    assert judge(f"cat > notes.md <<EOF\n$(supabase db reset --linked)\n{text}EOF").verdict is Verdict.CONFIRM


def test_a_script_of_four_hundred_harmless_lines_is_followed_to_its_end(tmp_path: Path) -> None:
    """The line after them counts."""
    kinds = (
        "cat a%d | grep x | sort | uniq -c > b%d",
        'bash -c "echo %d %d"',
        "mkdir -p d%d && cp a d%d && cd . && ls",
    )
    for kind in kinds:
        text = "\n".join(kind % (number, number) for number in range(400))
        assert verdict(text, tmp_path) is Verdict.ALLOW, kind
        assert verdict(f"{text}\nsupabase db reset --linked", tmp_path) is Verdict.REFUSE, kind


PATTERNS = [
    "bash scripts/r*",
    "bash scripts/*.sh",
    "bash ./scripts/go-?.sh",
    "bash */go-1.sh",
    'for f in scripts/*.sh; do bash "$f"; done',
    "for f in scripts/*; do . $f; done",
    "for f in $(ls scripts/*.sh); do sh $f; done",
    "cd scripts && bash ./r*",
    "cp scripts/*.sh /tmp/there/ && bash /tmp/there/run-me.sh",
    "cp -r scripts/* there && bash there/run-me.sh",
    "cp scripts/r* copy.sh && bash copy.sh",
    "mv scripts/*.sh . && bash run-me.sh",
    "cp */run-me.sh /tmp && bash /tmp/run-me.sh",
    "ls scripts/*.sh | xargs -n1 bash",
    "ls scripts/*.sh | xargs -I{} bash {}",
    'ls -1 scripts/*.sh | while read -r f; do bash "$f"; done',
    "find scripts -name '*.sh' | xargs bash",
    "find . -name run-me.sh | xargs bash",
    "find scripts -name '*.sh' -print0 | xargs -0 -n1 bash",
    "find scripts -name '*.sh' -exec bash {} \\;",
    "find scripts -name '*.sh' -execdir bash {} +",
    "find . -name '*.sh' | while read -r f; do bash $f; done",
    "fd -e sh . scripts -x bash",
    "fd -e sh . scripts -X bash",
    "fd run scripts -x bash {}",
    "fd -e sh . scripts -x bash {//}/{/}",
    "fd -e sh . | xargs bash",
]


@pytest.mark.parametrize("line", PATTERNS)
def test_a_pattern_means_each_file_that_fits(line: str, tmp_path: Path) -> None:
    """The shell, find and fd put the names of files in its place."""
    (tmp_path / "scripts").mkdir()
    for number in range(40):
        (tmp_path / f"scripts/go-{number}.sh").write_text(f"echo {number}\n", encoding="utf-8")
    (tmp_path / "scripts/run-me.sh").write_text("echo\n", encoding="utf-8")
    assert verdict(line, tmp_path) is Verdict.ALLOW
    for name in ("go-1.sh", "run-me.sh"):
        (tmp_path / f"scripts/{name}").write_text("supabase db reset --linked\n", encoding="utf-8")
    assert verdict(line, tmp_path) is not Verdict.ALLOW


def test_a_pattern_means_no_file_that_does_not_fit(tmp_path: Path) -> None:
    """Other names, deeper directories, hidden files and packages aren't meant, nor those that only a variable names."""
    for path in ("scripts/wipe.bash", "scripts/deep/wipe.sh", "scripts/.wipe.sh", "node_modules/wipe.sh"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("supabase db reset --linked\n", encoding="utf-8")
    for line in ("bash scripts/*.sh", "bash scripts/w*.sh", "bash */*.sh", 'bash "$SCRIPT"', "bash ./$SCRIPT"):
        assert verdict(line, tmp_path) is Verdict.ALLOW, line
    harmless = "for f in scripts/deep/*.sh; do bash -n $f; done; find . -name '*.sh' -exec shellcheck {} +"
    assert verdict(harmless, tmp_path) is Verdict.ALLOW


@pytest.mark.parametrize("mark", ["{/}", "{/.}", "{}", "{.}", "{//}"])
def test_fd_fills_its_marks_for_each_path(mark: str, tmp_path: Path) -> None:
    """What it finds isn't known, so a command that needs a single name is asked about."""
    line = f"fd -td . supabase/functions -x supabase functions deploy {mark}"
    assert verdict(line, tmp_path) is Verdict.CONFIRM
    assert verdict(f"fd -td . src -x echo {mark}", tmp_path) is Verdict.ALLOW
