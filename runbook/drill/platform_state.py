"""What the stand-in knows: functions, secrets, logs, backups, faults to play, and every request that came."""

from __future__ import annotations

import re
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from runbook.errors import UsageError
from runbook.linear_regex import LinearRegex, linear_regex
from runbook.model import FunctionResponse

__all__ = ["PROJECT_REF", "DeployedFunction", "Fault", "LogRow", "PlatformState", "initial_state"]

PROJECT_REF = "drillabcdefghijklmno"
"""Twenty lower-case letters, as every project ref."""

_FAILS = re.compile(r"\bthrow\b")
"""The stand-in runs no code: a function whose source throws is one whose calls fail."""
_CRASH = FunctionResponse(status=500, body="Internal Server Error")
"""The hosted platform's answer where a handler throws."""
_DAY = 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedFunction:
    """A function as the platform has it. `files` are names and contents as they were uploaded; times in ms."""

    id: str
    slug: str
    version: int
    created_at: int
    updated_at: int
    verify_jwt: bool
    entrypoint: str
    files: tuple[tuple[str, bytes], ...]

    @property
    def source(self) -> str:
        """All its files as one text."""
        return "\n".join(content.decode("utf-8", "replace") for _, content in self.files)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRow:
    """One row of the platform's logs."""

    id: str
    at: int
    source: str
    level: str
    message: str
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong with requests that match: an HTTP status, a delay in seconds, or both, `times` times."""

    request: LinearRegex
    status: int | None = None
    delay: float = 0
    times: int = 1


@dataclass(slots=True, kw_only=True)
class PlatformState:
    """The platform's memory. Every handler runs under `lock`."""

    functions: dict[str, DeployedFunction] = field(default_factory=dict)
    staged: dict[str, DeployedFunction] = field(default_factory=dict)
    """Uploaded by a deploy of several functions, not yet live."""
    kept: set[str] = field(default_factory=set)
    """Functions whose next deploy is accepted, and the old version stays live."""
    responses: Mapping[str, Sequence[FunctionResponse]] = field(default_factory=dict)
    """What the scenario lets functions answer; of a function's, the first that fits the live version counts."""
    failing: set[str] = field(default_factory=set)
    """Functions whose calls fail whatever their version answers, until the next deploy."""
    secrets: dict[str, str] = field(default_factory=dict)
    logs: list[LogRow] = field(default_factory=list)
    backup_age: float = 120
    """Seconds since the newest restorable moment."""
    backup_reach: float = 7 * _DAY
    """Seconds since the oldest restorable moment."""
    project_status: list[str] = field(default_factory=lambda: ["ACTIVE_HEALTHY"])
    """What the list of projects says of this one, request by request; the last stays."""
    banned: list[str] = field(default_factory=list)
    """Addresses that are banned after failed logins."""
    allowed: list[str] = field(default_factory=lambda: ["0.0.0.0/0"])
    """Ranges that may connect to the database."""
    faults: list[Fault] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    """`METHOD /path` of every request to the API and every call of a function, in order."""
    restored_to: list[int] = field(default_factory=list)
    """Unix times asked for."""
    restore: Callable[[int], None] = lambda _: None
    """Brings the database back as it was at that Unix time."""
    database_log: Callable[[], Iterable[LogRow]] = lambda: ()
    """Reads what the database has logged."""
    query: Callable[[str, bool], list[dict[str, object]]] = lambda _, __: []
    """Runs a statement, reading only where the second argument says so; raises RunbookError."""
    lock: threading.RLock = field(default_factory=threading.RLock)

    def deploy(self, slug: str, files: tuple[tuple[str, bytes], ...], metadata: Mapping[str, object]) -> None:
        """Make a new version of a function live, as the platform does; a failing one begins to log errors."""
        self.activate(self.version_of(slug, files, metadata))

    def version_of(
        self, slug: str, files: tuple[tuple[str, bytes], ...], metadata: Mapping[str, object]
    ) -> DeployedFunction:
        """Return the next version of a function without making it live."""
        old = self.functions.get(slug)
        now = _milliseconds()
        return DeployedFunction(
            id=old.id if old else str(uuid.uuid4()),
            slug=slug,
            version=old.version + 1 if old else 1,
            created_at=old.created_at if old else now,
            updated_at=now,
            verify_jwt=bool(metadata.get("verify_jwt", True)),
            entrypoint=str(metadata.get("entrypoint_path") or f"supabase/functions/{slug}/index.ts"),
            files=files,
        )

    def activate(self, function: DeployedFunction) -> None:
        """Let a version take the calls, unless the old one is kept this once."""
        if function.slug in self.kept:
            self.kept.remove(function.slug)
            return
        self.functions[function.slug] = function
        self.failing.discard(function.slug)
        self.log("function_logs", "info", f"booted (version {function.version})", function_id=function.id)
        response = self.response_of(function)
        if response.status >= 500:
            self.log_call("POST", function.slug, response.status, function)  # the app calls it all day

    def fail_calls(self, slug: str) -> None:
        """Let calls of a function fail from now on; the app's own calls show in the logs at once."""
        self.failing.add(slug)
        self.log_call("POST", slug, _CRASH.status, self.functions[slug])

    def response_of(self, function: DeployedFunction) -> FunctionResponse:
        """Return what a call of that version is answered: an error, what the scenario says, or a 200 with its name."""
        if function.slug in self.failing:
            return _CRASH
        for response in self.responses.get(function.slug, ()):
            if response.version in {None, function.version} and response.source in function.source:
                return response
        if _FAILS.search(function.source):
            return _CRASH
        return FunctionResponse(body={"function": function.slug, "version": function.version})

    def log_call(self, method: str, slug: str, status: int, function: DeployedFunction | None) -> None:
        """Log a call as the platform does; `function` is None where the call reached none."""
        # These are the levels that the CLI itself gives to a status.
        level = "error" if status >= 500 else "warn" if status >= 400 else "info"
        attributes = {"response.status_code": str(status)} | ({"function_id": function.id} if function else {})
        self.log("function_edge_logs", level, f"{method} | {status} | {slug}", **attributes)
        if function and status >= 500:
            self.log("function_logs", "error", "Error: uncaught exception in the handler", function_id=function.id)

    def log(self, source: str, level: str, message: str, **attributes: str) -> None:
        """Add a row to the logs."""
        row = {"id": str(uuid.uuid4()), "source": source, "level": level, "message": message}
        self.logs.append(LogRow(**row, at=_milliseconds(), attributes=attributes))

    def next_fault(self, request: str) -> Fault | None:
        """Return the fault to play for this request and count it down."""
        for number, fault in enumerate(self.faults):
            if fault.request.search(request):
                self.faults[number : number + 1] = [replace(fault, times=fault.times - 1)] if fault.times > 1 else []
                return fault
        return None


def _milliseconds() -> int:
    return int(time.time() * 1000)


def initial_state(
    *,
    deployed: Mapping[str, str],
    secrets: Mapping[str, str],
    platform: Mapping[str, object],
    responses: Mapping[str, Sequence[FunctionResponse]] | None = None,
) -> PlatformState:
    """Return the state a scenario begins with.

    `platform` may hold `backup_age` and `backup_reach` (hours), `project_status`, `banned` and `allowed` (lists), `logs`
    (a list of `{source, level, message}`) and `faults` (a list of `{request, status, delay, times}`). Raises UsageError
    for anything else.
    """
    state = PlatformState(secrets=dict(secrets), responses=responses or {})
    for slug, source in deployed.items():
        state.deploy(slug, (("index.ts", source.encode()),), {})
    for key, value in platform.items():
        match key:
            case "backup_age" | "backup_reach":
                setattr(state, key, float(str(value)) * 3600)
            case "project_status" | "banned" | "allowed":
                setattr(state, key, [str(one) for one in cast("list[object]", value)])
            case "logs":
                for row in cast("list[Mapping[str, str]]", value):
                    state.log(row["source"], row["level"], row["message"])
            case "faults":
                for words in cast("list[Mapping[str, str]]", value):
                    status = int(words["status"]) if "status" in words else None
                    delay, times = float(words.get("delay", 0)), int(words.get("times", 1))
                    fault = Fault(request=linear_regex(words["request"]), status=status, delay=delay, times=times)
                    state.faults.append(fault)
            case _:
                hint = "backup_age, backup_reach, project_status, banned, allowed, logs, faults"
                raise UsageError(f"the platform's stand-in has no '{key}'", hint=hint)
    return state
