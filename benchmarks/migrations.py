"""How long `migration check` takes for 200 files, beside squawk alone and the start of an interpreter."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.environments import MissingPeerError, installed_runbook, peer
from benchmarks.figures import Figure, Figures
from benchmarks.timing import Measure, Sample, in_turns, process
from benchmarks.workplace import workplace

__all__ = ["measure"]

GROUP = "Migration check"
FILES = 200
STATEMENTS = (
    "create table public.orders_{n} (id bigint generated always as identity primary key, note text not null);\n",
    "alter table public.orders_{n} add column total numeric(12, 2) not null default 0;\n",
    "create index concurrently if not exists orders_{n}_total on public.orders_{n} (total);\n",
    "alter table public.orders_{n} enable row level security;\n",
    "create policy own_{n} on public.orders_{n} for select using (id > 0);\n",
    "update public.orders_{n} set total = 1 where total = 0;\n",
    "create function public.sum_{n}() returns numeric language sql as $$ select sum(id) from public.orders_{n} $$;\n",
)


def measure(figures: Figures, rounds: int) -> None:
    """Measure 200 files, and the megabytes a second of a large one."""
    with workplace() as place, tempfile.TemporaryDirectory(prefix="runbook-bench-") as directory:
        bin_ = installed_runbook()
        files = list(_write_files(Path(directory)))
        size = sum(file.stat().st_size for file in files)

        def started(*argv: str) -> Measure:
            # Findings are expected, and each tool tells by its exit code that there are some.
            return process(argv, environment=place.environment, directory=Path(directory), exits=(0, 1))

        ours = started(str(bin_ / "runbook"), "migration", "check", *map(str, files))
        bare = started(str(bin_ / "python"), "-c", "pass")
        what = f"migration check of {FILES} files"
        try:
            squawk = started(str(peer("checks", "squawk")), *map(str, files))
            lint = started(str(peer("checks", "safemigrate-lint")), *map(str, files))
        except MissingPeerError as error:
            figures.add(Figure(group=GROUP, what=what, unit="ms", beside="squawk", note=str(error)))
            return
        both = _one_after_the_other(squawk, bare)
        samples = in_turns(
            {what: ours, "squawk and an interpreter": both, "safemigrate-lint": lint}, max(5, rounds // 2)
        )
        figures.compare(
            GROUP,
            samples,
            {what: ("squawk and an interpreter", 3), "safemigrate-lint": ("squawk and an interpreter", None)},
        )
        rates = {name: [Sample(size / 1e6 / each.seconds) for each in found] for name, found in samples.items()}
        figures.compare(
            GROUP, {f"{name}, rate": each for name, each in rates.items()},
            {f"{what}, rate": ("squawk and an interpreter, rate", None)}, by=lambda one: one.seconds, unit="MB/s",
        )  # fmt: skip


def _one_after_the_other(one: Measure, other: Measure) -> Measure:
    def both() -> Sample:
        first, second = one(), other()
        return Sample(first.seconds + second.seconds, first.processor + second.processor)

    return both


def _write_files(directory: Path) -> Iterator[Path]:
    for number in range(FILES):
        file = directory / f"{20260101000000 + number}_change_{number}.sql"
        file.write_text("".join(text.replace("{n}", str(number)) for text in STATEMENTS), encoding="utf-8")
        yield file
