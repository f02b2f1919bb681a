"""However a program prints a secret, nothing shows or stores it: every printed form against every outlet."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pyte
import pytest
from support.books import FIX_HEAD
from support.forked import opened, ran, start
from support.journal_engines import durable_postgres, empty_journal
from support.limits import must_end
from support.network import Network, Trouble, open_network
from support.places import Place, make_place
from support.printed_forms import FORMS, OVERPRINTED, SECRETS, is_hidden, traces
from support.terminals import program
from support.walks import START, FakeExecutor, FakeOperator, Walked, book, ended, parameter, procedure, step

from runbook import known_secrets
from runbook.cli.error_handler import ending
from runbook.engine.ports import Go, HandOver, Skip, Stop
from runbook.errors import ExitCode, RunbookError, UsageError
from runbook.journal.address import parse_address
from runbook.journal.events import HandedOver, RunStopped, StepFinished, StepSkipped, StepStarted, TakenOver
from runbook.journal.interface import Holder
from runbook.journal.postgres_connection import connect
from runbook.policy.redaction import MASK, Redactor
from runbook.runtime.child import PtyChild
from runbook.runtime.executor import FALLBACK_SIZE, PtyExecutor
from runbook.runtime.keyboard import Keyboard, SignalNotes
from runbook.runtime.terminal_relay import TerminalRelay, Wiring, _Channel
from runbook.runtime.transcript import Transcript
from runbook.steps.tick import Tick

if TYPE_CHECKING:
    from runbook.drill.postgres import Postgres

ROOT = Path(__file__).parents[2]

every_secret = pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS.keys())


# --- one form at a time --------------------------------------------------------------------------------------------


@every_secret
def test_a_text_is_stored_without_the_secret(secret: str) -> None:
    """The text around it stays."""
    redactor = Redactor([secret])
    shown = {form: redactor.redact(f"before {write(secret)} after") for form, write in FORMS.items()}
    assert [form for form in FORMS if not is_hidden(form, secret, shown[form])] == []
    assert [each for each in shown.values() if not (each.startswith("before ") and each.endswith(" after"))] == []


@every_secret
def test_a_stream_is_shown_without_the_secret(secret: str) -> None:
    """The stream comes byte by byte. Text that is printed over has its own test."""
    redactor = Redactor([secret])

    def shown(form: str) -> str:
        raw = f"before {FORMS[form](secret)} after\n".encode()
        channel = _Channel(redactor)  # it is at its end after each text, and then begins anew
        return "".join(channel.take(bytes([byte])) for byte in raw) + channel.rest()

    assert [form for form in {*FORMS} - OVERPRINTED if not is_hidden(form, secret, shown(form))] == []


TYPIST = """
import pathlib, sys, time
for byte in pathlib.Path("printed").read_bytes():
    sys.stdout.buffer.write(bytes([byte]))
    sys.stdout.buffer.flush()
    time.sleep(0.001)
"""


@every_secret
def test_a_secret_that_comes_together_on_the_screen_is_never_on_it(secret: str, tmp_path: Path) -> None:
    """A command prints letters over letters, one by one; at no moment does the terminal show the value."""
    printed = "".join(f"before {FORMS[form](secret)} after\r\n" for form in sorted(OVERPRINTED))
    (tmp_path / "printed").write_bytes(printed.encode())
    emulated = pyte.Screen(80, 24)
    terminal = pyte.Stream(emulated)

    def show(text: str) -> None:
        terminal.feed(text)
        assert not [line for line in secret.splitlines() if line in "\n".join(emulated.display)]

    ended = PtyExecutor(Redactor, show, lambda: FALLBACK_SIZE).execute(
        [sys.executable, "-S", "-c", TYPIST],
        environment={}, directory=str(tmp_path), timeout=30, born=lambda *_: None, secrets=[secret],
    )  # fmt: skip
    display = "\n".join(emulated.display)
    assert is_hidden("as it is", secret, display)
    assert is_hidden("as it is", secret, ended.output)
    assert display.count(MASK) >= len(OVERPRINTED)


@pytest.mark.parametrize("before", ["before ", "b" * 78], ids=["in a line", "at the edge"])
@pytest.mark.parametrize("form", sorted(OVERPRINTED))
def test_a_secret_that_was_printed_over_is_hidden_however_the_output_is_cut(form: str, before: str) -> None:
    """The screen never shows the value, and in the end it shows one mask, the text around it and the next line."""
    secret = SECRETS["short"]
    printed = f"{before}{FORMS[form](secret)} after\r\nnext\r\n".encode()
    screens = [_screen_after([printed[:at], printed[at:]], secret) for at in range(len(printed))]
    # A note on moves that were left out may follow.
    shown = {" ".join(screen.partition("[runbook]")[0].split()) for screen in screens}
    assert shown == {f"{before}{MASK} after next"}


def _screen_after(pieces: list[bytes], secret: str) -> str:
    """Return what a terminal of 80 columns shows in the end of a command's output that comes in these pieces."""
    emulated = pyte.Screen(80, 24)
    terminal = pyte.Stream(emulated)

    def text() -> str:
        return "\n".join("".join(emulated.display).split(" " * 20))

    def show(more: str) -> None:
        terminal.feed(more)
        assert secret not in text()

    output, prints = os.pipe()
    os.set_blocking(output, False)
    child = PtyChild(pid=0, terminal=output, document=None)
    child._status = 0  # it has ended, and its output is still to be read
    wiring = Wiring(
        keyboard=Keyboard(None),
        show=show,
        size=lambda: (80, 24),
        redactor=lambda: Redactor([secret]),
        signals=SignalNotes(),
    )
    relay = TerminalRelay(child, wiring)
    for piece in pieces:
        os.write(prints, piece)
        relay._turn()
    os.close(prints)
    relay.run()
    os.close(output)
    return text()


@every_secret
def test_what_a_terminal_shows_in_the_end_is_stored_without_the_secret(secret: str) -> None:
    """The transcript undoes redrawing, so it is redacted once more."""
    redactor = Redactor([secret])

    def stored(form: str) -> str:
        transcript = Transcript(40)
        transcript.feed(f"before {FORMS[form](secret)} after\n".replace("\n", "\r\n"))
        return redactor.redact(transcript.text())

    assert [form for form in FORMS if not is_hidden(form, secret, stored(form))] == []


@every_secret
def test_an_error_and_a_crash_log_hide_the_secret(
    secret: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An exception may repeat what it could not use."""
    monkeypatch.setattr(known_secrets, "_known", {secret})
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for form, write in FORMS.items():
        text = write(secret)
        with ending() as refused:
            _fail(RunbookError(f"can't use {text}", hint=f"Not {text}."))
        with ending() as crashed:
            _fail(ValueError(text))
        said = capsys.readouterr().err
        (log,) = tmp_path.glob("runbook-bug-*.log")
        assert (refused.code, crashed.code) == (ExitCode.NOT_COMPLETED, ExitCode.BUG), form
        assert is_hidden(form, secret, said), form
        assert is_hidden(form, secret, log.read_text(encoding="utf-8")), form
        log.unlink()


def _fail(error: Exception) -> None:
    raise error


@every_secret
def test_no_clock_looks_like_a_secret(secret: str) -> None:
    """The tests below must not fail because of the time at which they run."""
    times = [(minute % 24, minute, second) for minute in range(60) for second in range(60)]
    clocks = "\n".join(f"2026-11-26T{h:02}:{m:02}:{s:02}.0000{s:02}Z 20261126-{h:02}{m:02}{s:02}" for h, m, s in times)
    assert [form for form in FORMS if traces(form, secret, clocks)] == []


# --- a whole walk, seen from every side -----------------------------------------------------------------------------

BOOK = (
    FIX_HEAD
    + """\
parameters:
  token: {ask: "Which token?", example: x, secret: true, lines: many}
steps:
  - {id: print, title: Print, run: "npx supabase migration list {{target}}", look_for: A list.}
  - {id: json, title: Print JSON, run: "npx supabase migration list {{target}} --output-format json"}
  - {id: seen, title: See, tick: Look, asks: {name: seen, ask: What did you see?, example: x}}
  - {id: push, title: Push, run: "npx supabase db push {{target}}", undo: {none: "No"}}
  - {id: tell, tick: Tell them}
  - id: call
    title: Call
    request: {function: fn, secret_headers: {Authorization: token}}
"""
)

NPX = """\
case "$*" in
  *--version*) echo 3.1.0;;
  *"--output-format"*) cat "$HOME/forms.json";;
  *"migration list"*) cat "$HOME/forms.txt";;
  *) env > "$HOME/inherited"; cat "$HOME/forms.txt"; exit 1;;
esac
"""


EVIDENCE = """\
evidence:
  - look: Printed
    before: database
    run: npx supabase migration list --output-format json {{target}}
    list: printed
"""
TEAM = """\
name: Shop
projects:
  production: {ref: qwertyuiopasdfghjklz, protected: false}
notify:
  - {program: ../bin/tell}
"""


@dataclass
class Watched:
    """A person at the terminal, and what the outlets showed during the run."""

    place: Place
    secret: str
    journal: str = ""
    """The address of a shared journal."""
    network: Network | None = None
    """The way to it, which breaks near the end."""
    screens: list[str] = field(default_factory=list)
    outlets: dict[str, str] = field(default_factory=dict)
    refused: str = ""
    pushed: bool = False
    open_book: Callable[[], None] = lambda: None
    """Opens the book of this run in a process that was forked."""

    def answer(self, screen: str) -> str:  # noqa: PLR0911 - one for each thing that is asked
        """Let the commands print, type the secret where the answer is stored, and look at all outlets."""
        if screen.endswith("close: "):  # a page of a finding
            self.screens.append(screen)
            return ""
        if screen.endswith("value> "):
            self.refused = screen
            return "fine"
        if screen.endswith(("why> ", "note> ")):
            return f"it printed {self.typed}"
        if "can't be reached" in screen:
            self.outlets["spool"] = self.files()
            return "q"
        if "What did you see?" in screen:
            return self.typed
        if "Type yes to run" in screen:
            self.pushed = True
            return "yes"
        if "Tell them" in screen:
            self.look()
            if self.network is None:
                return "q"
            self.network.breaks(Trouble.CUT)
            return "m"
        if self.pushed:
            return "s"
        self.screens.append(screen)
        return ""

    @property
    def typed(self) -> str:
        """The secret in one line."""
        return self.secret.replace("\n", " ")

    def look(self) -> None:
        """Ask from another terminal, and read the journal's files with the data that isn't merged yet."""
        for words in LIVE:
            self.outlets[words] = self.say(words)
        self.outlets["files"] = self.files()

    def say(self, words: str) -> str:
        """Return what a command prints."""
        argv = ["--book", str(self.place.root / "book"), *words.split()]
        done = ran(argv, environment=self.environment, directory=self.place.root, before=self.open_book)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def watch(self) -> str:
        """Return what `runbook watch` shows until the run's stop."""
        argv = [sys.executable, "-m", "runbook", "--book", str(self.place.root / "book"), "watch"]
        environment = {**self.environment, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        lines: list[str] = []
        with subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            while not any("stopped" in line for line in lines):
                lines.append(child.stdout.readline())
            child.send_signal(signal.SIGINT)
            return "".join(lines) + child.stdout.read()

    @property
    def environment(self) -> dict[str, str]:
        """The environment of every command of this person."""
        return {**self.place.environment, **({"RUNBOOK_JOURNAL": self.journal} if self.journal else {})}

    def files(self) -> str:
        """Return the bytes of everything below the state directory."""
        files = [path for path in (self.place.root / "state").rglob("*") if path.is_file()]
        assert self.journal or any(path.name == "journal.sqlite3-wal" for path in files) or "status" in self.outlets
        return "\n".join(path.read_bytes().decode("utf-8", "replace") for path in files)


TABLES = "select relname from pg_class where relnamespace = 'runbook_journal'::regnamespace and relkind = 'r'"
LIVE = ("status", "status --format json", "report", "report --format json")
AFTERWARDS = (
    *("history", "history --format json", "report", "show fix", "show fix --format json", "journal export"),
    *("verify", "journal check"),
)


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """Run a PostgreSQL with a shared journal."""
    with durable_postgres() as postgres:
        yield postgres


@pytest.fixture(scope="module", params=[*zip(SECRETS, cycle(("file", "shared")), strict=False)])
def watched(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, server: Postgres
) -> Iterator[Watched]:
    """Walk with a CLI that prints every form, and stop; with a shared journal, after the way to it broke."""
    name, journal = request.param
    place = make_place(tmp_path_factory.mktemp("place"))
    if journal == "file":
        yield _walked(Watched(place, SECRETS[name]))
        return
    empty_journal(server)
    asked = parse_qs(urlsplit(server.url).query)
    with open_network(Path(asked["host"][0]), int(asked["port"][0])) as network:
        yield _walked(Watched(place, SECRETS[name], network.url, network), server)


def _walked(seen: Watched, server: Postgres | None = None) -> Watched:
    place, secret = seen.place, seen.secret
    (place.root / "book" / "procedures" / "fix.yaml").write_text(BOOK, encoding="utf-8")
    (place.root / "book" / "evidence.yaml").write_text(EVIDENCE, encoding="utf-8")
    (place.root / "book" / "team.yaml").write_text(TEAM, encoding="utf-8")
    for packaged in ("policy.yaml", "supabase.yaml"):
        (place.root / "book" / packaged).unlink()
    program(place.root / "bin", "npx", NPX)
    program(place.root / "bin", "tell", f"cat >> '{place.root}/told'")
    forms = {name: form(secret) for name, form in FORMS.items() if name not in OVERPRINTED}
    (place.root / "forms.txt").write_text("\n\n".join(forms.values()), encoding="utf-8", newline="")
    target = {"project_ref": "qwertyuiopasdfghjklz", "environment": "production"}
    document = {"target": target, "migrations": [{"local": "7", "remote": "7"}], "printed": [*forms.values()]}
    (place.root / "forms.json").write_text(json.dumps(document), encoding="utf-8")
    argv = ["--book", str(place.root / "book"), "run", "fix", "--workdir", str(place.root / "project")]
    argv += ["--ticket", f"OPS {seen.typed}"]
    seen.open_book = opened(place.root / "book")
    environment = {**seen.environment, "RUNBOOK_TOKEN": secret}
    start(argv, environment=environment, directory=place.root, before=seen.open_book).converse(seen.answer)
    seen.outlets["screens"] = "\n".join(seen.screens)
    seen.outlets["notifications"] = (place.root / "told").read_text(encoding="utf-8")
    if seen.network is not None:
        seen.network.breaks(Trouble.NONE)
    for words in AFTERWARDS:
        seen.outlets[f"{words}, afterwards"] = seen.say(words)
    seen.outlets["watch"] = seen.watch()
    seen.outlets["files, afterwards"] = seen.files()
    if server is not None:
        with closing(connect(parse_address(server.admin_url))) as connection:
            names = [name for (name,) in connection.execute(TABLES.encode()).fetchall()]
            rows = [row for name in names for row in connection.execute(f"table runbook_journal.{name}".encode())]
            seen.outlets["tables"] = "\n".join(str(cell) for row in rows for cell in row)
    return seen


OUTLETS = [
    *LIVE, *(f"{words}, afterwards" for words in AFTERWARDS),
    "watch", "screens", "notifications", "files", "files, afterwards", "spool", "tables",
]  # fmt: skip
SHARED_ONLY = {"spool", "tables"}


@pytest.mark.parametrize("outlet", OUTLETS)
def test_no_outlet_of_a_walk_holds_the_secret(watched: Watched, outlet: str) -> None:
    """Screens, the journal's files, report, status, history and show, as text and as JSON."""
    if not watched.journal and outlet in SHARED_ONLY:
        assert outlet not in watched.outlets
        return
    text = watched.outlets[outlet]
    assert text or (watched.journal and outlet == "files")  # all of it may be on the server
    # The packaged looks at the target quote like one of the secrets.
    text = re.sub(r"npx supabase db query --read-only.*?limit \d+'", "", text, flags=re.DOTALL)
    assert [form for form in FORMS if traces(form, watched.secret, text)] == []


def test_the_outlets_of_a_walk_show_that_something_was_hidden(watched: Watched) -> None:
    """The walk went through every step that prints or takes a secret."""
    stored = ("spool", "tables") if watched.journal else ("files",)
    shown = ("screens", "status", "report", "report --format json", "journal export, afterwards", "watch")
    assert [one for one in (*shown, *stored, "notifications") if MASK not in watched.outlets[one]] == []
    assert f"it printed {MASK}" in watched.outlets["journal export, afterwards"]


def test_an_answer_that_holds_the_secret_is_refused(watched: Watched) -> None:
    """It would be stored, and commands couldn't use the masked value."""
    assert "it contains a secret" in " ".join(watched.refused.split())


def test_a_command_inherits_no_value_of_a_parameter(watched: Watched) -> None:
    """The walk doesn't pass RUNBOOK_TOKEN on."""
    inherited = (watched.place.root / "inherited").read_text(encoding="utf-8")
    assert "RUNBOOK_TOKEN" not in inherited
    assert not traces("as it is", watched.secret, inherited)


# --- what a person types, and what the engine says -------------------------------------------------------------------

TYPED = "hunter2-zebra"


def typed_walk(tmp_path: Path, *answers: object, executor: FakeExecutor | None = None) -> Walked:
    """Walk with a secret that is typed again at a step."""
    fix = procedure(step("one", "look one"), step("two", "change it"), parameters=[parameter("token", secret=True)])
    operator = FakeOperator(list(answers), values={"token": TYPED})  # type: ignore[arg-type]
    walked = Walked(book(fix), tmp_path / "scratch", operator, executor or FakeExecutor())
    walked.begin()
    return walked


@pytest.mark.parametrize(
    ("answer", "kind", "field_name"),
    [
        (Skip(f"typed {TYPED} there"), StepSkipped, "reason"),
        (HandOver(f"the token is {TYPED}", "ada"), HandedOver, "note"),
        (Stop(f"because of {TYPED}"), RunStopped, "reason"),
        (Go(typed=f"yes {TYPED}"), StepStarted, "confirmed"),
    ],
)
def test_what_a_person_types_is_stored_without_the_secret(
    tmp_path: Path, answer: object, kind: type, field_name: str
) -> None:
    """A reason, a note, a confirmation."""
    walked = typed_walk(tmp_path, answer, Stop("enough"))
    found = [getattr(event, field_name) for event in walked.journal.events(walked.run) if isinstance(event, kind)]
    assert any(MASK in text for text in found)
    assert all(TYPED not in text for text in found)


def test_the_reason_for_taking_over_is_stored_without_the_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both runs record it, before this run has begun."""
    monkeypatch.setattr(known_secrets, "_known", set())
    first = typed_walk(tmp_path, Stop("later"))
    other = Holder(run=first.run, procedure="fix", operator="bo", host="there", pid=9, since=START)
    first.journal.hold("production:qwertyuiopasdfghjklz", other)
    operator = FakeOperator([Stop("done")], take=f"bo said {TYPED}")
    second = replace(first.again(), operator=operator, environment={"RUNBOOK_TOKEN": TYPED})
    second.begin()
    found = [
        event.reason
        for run in second.journal.runs()
        for event in second.journal.events(run)
        if isinstance(event, TakenOver)
    ]
    assert found == [f"bo said {MASK}"] * 2


def test_evidence_and_captures_are_stored_without_the_secret(tmp_path: Path) -> None:
    """The executor's output is masked before the journal gets it."""
    printed = ended(1, f"\\u0068unter2-zebra {base64.b64encode(TYPED.encode()).decode()}")
    walked = typed_walk(tmp_path, executor=FakeExecutor({"look": printed}))
    (finished,) = [event for event in walked.journal.events(walked.run) if isinstance(event, StepFinished)]
    assert finished.output == f"{MASK} {MASK}"


def test_a_parameter_that_repeats_a_secret_stops_the_run_before_it_begins(tmp_path: Path) -> None:
    """It would be in argv and in the journal, and a masked value would be a different one."""
    fix = procedure(step("one", "look {{name}}"), parameters=[parameter("name"), parameter("token", secret=True)])
    walked = Walked(book(fix), tmp_path, FakeOperator(values={"name": f"x-{TYPED}", "token": TYPED}))
    with pytest.raises(UsageError, match="name: it contains a secret") as error:
        walked.begin()
    assert TYPED not in error.value.message + error.value.hint
    assert walked.journal.runs() == ()


def test_a_value_given_by_hand_that_holds_the_secret_is_asked_for_again(tmp_path: Path) -> None:
    """This is the value of a skipped step."""
    fix = procedure(
        step("one", Tick("Look", asks=parameter("found"))),
        step("two", "look {{found}}"),
        parameters=[parameter("token", secret=True)],
    )
    operator = FakeOperator([Skip("not now")], values={"token": TYPED, "found": [TYPED, "fine"]})
    walked = Walked(book(fix), tmp_path, operator)
    walked.begin()
    assert walked.executor.ran == [("look", "fine")]
    assert ("give", "found", "it contains a secret, and this value would be stored in the journal") in operator.log


# --- secrets known only by their shape ------------------------------------------------------------------------------

SHAPES: Mapping[str, Callable[[str], str]] = {
    "a variable": lambda one: f"PGPASSWORD={one} npx supabase db reset --linked",
    "a quoted variable": lambda one: f"PGPASSWORD='{one} b' npx supabase db reset --linked",
    "a variable in JSON": lambda one: json.dumps(f'PGPASSWORD="{one} b" npx supabase db reset --linked'),
    "a URL": lambda one: f"npx supabase db reset --db-url postgresql://postgres:{one}@db.example.com:5432/postgres",
    "a URL in JSON of PHP": lambda one: f"postgresql:\\/\\/postgres:{one}@db.example.com:5432\\/postgres",
    "a URL in a URL": lambda one: f"?to=postgresql%3A%2F%2Fpostgres%3A{one}%40db.example.com%3A5432%2Fpostgres",
    "a flag": lambda one: f"npx supabase link --password {one}",
    "a coloured token": lambda one: f"sbp_0123\x1b[1m4567\x1b[0m{one}{one}",
    "a coloured header": lambda one: f"Authorization: Bearer \x1b[32m{one}\x1b[0m",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_an_unknown_secret_is_hidden_by_its_shape(shape: str) -> None:
    """That works for a whole text and for a stream, and the colours around it stay."""
    text = SHAPES[shape]("hunter2zebra")
    stream = Redactor()
    assert "hunter2" not in Redactor().redact(text)
    assert "hunter2" not in "".join(map(stream.feed, text)) + stream.flush()
    assert Redactor().redact(text).count("\x1b[0m") == text.count("\x1b[0m")


@pytest.mark.parametrize("shape", ["a variable", "a quoted variable", "a URL"])
@pytest.mark.parametrize("form", ["text", "json"])
def test_the_guard_and_its_log_repeat_no_password(shape: str, form: str, tmp_path: Path) -> None:
    """The guard shows and logs every line that it stops."""
    line = SHAPES[shape]("hunter2zebra")
    environment = {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
    done = ran(["guard", "--line", line, "--format", form], environment=environment, directory=tmp_path)
    log = (tmp_path / "state" / "runbook" / "guard.jsonl").read_text(encoding="utf-8")
    assert done.returncode == ExitCode.REFUSED
    assert MASK in log
    assert "hunter2" not in done.stdout + done.stderr + log


# --- what must stay as it is ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["Apply 2 migrations? [y/N] ", "Enter your database password: ", "$ ", "> "])
def test_a_prompt_is_not_held_back(text: str) -> None:
    """Text that can't be the beginning of a secret is released at once."""
    stream = Redactor([*SECRETS.values(), "s3cret-value"])
    assert stream.feed(text) == text


def test_a_short_secret_does_not_hide_what_only_resembles_it() -> None:
    """`k7 Q!` and `xk7q!` aren't `k7Q!`."""
    text = "k7 Q! stays; so do k-7Q!, xk7q! and the k7q in it"
    assert Redactor(["k7Q!"]).redact(text) == text
    assert Redactor(["k7"]).redact("k-7 k 7 xk7 k7x") == "k-7 k 7 xk7 k7x"


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ("a" * 200 + "b", "a" * 160_000),
        ("ab" * 100 + "c", "ab" * 80_000),
        ("s3cret-value", "s" + " " * 160_000),
        ("s3cret-value", "\\" * 160_000),
        ("s3cret-value", "\x08" * 160_000),
        ("s3cret-value", "&amp;" * 32_000),
        ("s3cret-value", "%25" * 50_000),
        ("s3cret-value", "\x1b[" * 80_000),
        ("\n".join(f"{at:064d}" for at in range(1, 60)), "0" * 160_000),
    ],
)
def test_hostile_output_is_passed_on_in_bounded_work(secret: str, text: str) -> None:
    """Long lines and near misses pass, whole and in small pieces."""
    stream = Redactor([secret])
    with must_end():
        out = "".join(stream.feed(text[at : at + 64]) for at in range(0, len(text), 64)) + stream.flush()
        assert out == text
        assert Redactor([secret]).redact(text) == text
