"""A drill's target, as the walk sees it: asked about and confirmed like production, and gone an hour later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runbook.drill.database import query
from runbook.drill.platform_state import PROJECT_REF
from runbook.drill.sandbox import Sandbox
from runbook.errors import RunbookError
from runbook.filling import target_words
from runbook.journal.events import TargetSeen
from runbook.model import Policy, TargetKind

__all__ = ["DrillTarget"]


@dataclass(frozen=True, slots=True)
class DrillTarget:
    """The sandbox's database and platform, under the drill's name. `url` is where commands find the database."""

    name: str
    sandbox: Sandbox
    policy: Policy
    url: str

    def prove(self) -> TargetSeen:
        """Ask the database for an answer; CLI and project are what the sandbox was made with."""
        query(self.sandbox.postgres.url, "select 1")
        return TargetSeen(
            kind=TargetKind.DRILL.value, name=self.name, cli=self.sandbox.cli.version, project_ref=PROJECT_REF
        )

    def recheck(self, seen: TargetSeen) -> TargetSeen:
        """Prove it again; the project must still be linked to the stand-in, whatever a step did."""
        del seen  # the walk compares
        linked = (self.sandbox.project / "supabase" / ".temp" / "project-ref").read_text(encoding="utf-8").strip()
        if linked != PROJECT_REF:
            raise RunbookError(f"the scratch project is linked to {linked} now, not to the drill's {PROJECT_REF}")
        return self.prove()

    def words(self, argv_template: Sequence[str], major: int) -> tuple[str, ...]:
        """Return what `{{target}}` stands for: the throwaway database's URL, or the stand-in's project."""
        names = {"project_ref": PROJECT_REF, "drill_url": self.url}
        words = argv_template or self.policy.majors[major].query  # SQL goes where the query command goes
        return target_words(words, policy=self.policy, major=major, kind=TargetKind.DRILL, names=names)

    def environment(self) -> Mapping[str, str]:
        """Return the environment that keeps commands inside."""
        return self.sandbox.environment

    def functions_url(self) -> str:
        """Return where the stand-in answers for deployed functions."""
        return self.sandbox.platform.functions_url

    @property
    def directory(self) -> str:
        """The scratch project."""
        return str(self.sandbox.project)
