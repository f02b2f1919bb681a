"""Keep the stand-in's state: functions, secrets, logs, backups, faults to play, and every request."""

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

__all__ = ["PROJECT_HOST", "PROJECT_REF", "DeployedFunction", "Fault", "LogRow", "PlatformState", "initial_state"]

PROJECT_REF = "drillabcdefghijklmno"
"""Twenty lower-case letters, like every project ref."""
PROJECT_HOST = f"{PROJECT_REF}.drill.invalid"
"""The project's own host. Names in `.invalid` never resolve, so nothing is ever there."""

_FAILS = re.compile(r"\bthrow\b")
"""The stand-in runs no code. If a function's source throws, its calls fail."""
_CRASH = FunctionResponse(status=500, body="Internal Server Error")
"""The hosted platform's answer if a handler throws."""
_LOGGED = {
    503: "worker boot error: Uncaught SyntaxError: Unexpected token",
    504: "wall clock time limit reached",
    546: "Memory limit exceeded",
}
"""What the hosted platform logs with such an answer. Any other failure is an uncaught exception."""
_DAY = 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedFunction:
    """A function as the platform has it. `files` has names and contents as uploaded. Times are in ms."""

    id: str
    slug: str
    version: int
    created_at: int
    updated_at: int
    verify_jwt: bool
    entrypoint: str
    import_map: str = ""
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
    """What goes wrong with matching requests: an HTTP status, a delay in seconds, or both, `times` times."""

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
    """Functions whose next deploy is accepted while the old version stays live."""
    kept_secrets: set[str] = field(default_factory=set)
    """Secrets whose next new value is accepted while the old one stays set."""
    responses: Mapping[str, Sequence[FunctionResponse]] = field(default_factory=dict)
    """The answers that the scenario gives functions. For each function, the first that fits the live version counts."""
    failing: set[str] = field(default_factory=set)
    """Functions whose calls fail whatever their version answers, until the next deploy."""
    secrets: dict[str, str] = field(default_factory=dict)
    logs: list[LogRow] = field(default_factory=list)
    backup_age: float = 120
    """Seconds since the newest restorable moment."""
    backup_reach: float = 7 * _DAY
    """Seconds since the oldest restorable moment."""
    project_status: list[str] = field(default_factory=lambda: ["ACTIVE_HEALTHY"])
    """This project's status in the list of projects, request by request. The last one stays."""
    banned: list[str] = field(default_factory=list)
    """Addresses that were banned after failed logins."""
    allowed: list[str] = field(default_factory=lambda: ["0.0.0.0/0"])
    """Ranges that may connect to the database."""
    faults: list[Fault] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    """`METHOD /path` of every request to the API and every call of a function, in order."""
    restored_to: list[int] = field(default_factory=list)
    """The Unix times that a restore asked for."""
    restore: Callable[[int], None] = lambda _: None
    """Restores the database to that Unix time."""
    database_log: Callable[[], Iterable[LogRow]] = lambda: ()
    """Reads what the database has logged."""
    query: Callable[[str, bool], list[dict[str, object]]] = lambda _, __: []
    """Runs a statement, read-only if the second argument says so. Raises RunbookError."""
    lock: threading.RLock = field(default_factory=threading.RLock)

    def deploy(self, slug: str, files: tuple[tuple[str, bytes], ...], metadata: Mapping[str, object]) -> None:
        """Make a new version of a function live, as the platform does. A failing one begins to log errors."""
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
            import_map=str(metadata.get("import_map_path") or ""),
            files=files,
        )

    def activate(self, function: DeployedFunction) -> None:
        """Make a version live, unless the old one is kept this once."""
        if function.slug in self.kept:
            self.kept.remove(function.slug)
            return
        self.functions[function.slug] = function
        self.failing.discard(function.slug)
        self.log("function_logs", "info", f"booted (version {function.version})", function_id=function.id)
        response = self.response_of(function)
        if response.status >= 500:
            self.log_call("POST", function.slug, response.status, function)  # the app calls it all day

    def set_secret(self, name: str, value: str) -> None:
        """Set a secret, unless the old value is kept this once."""
        if name in self.kept_secrets:
            self.kept_secrets.remove(name)
        else:
            self.secrets[name] = value

    def fail_calls(self, slug: str) -> None:
        """Make calls of a function fail from now on. The app's own calls appear in the logs at once."""
        self.failing.add(slug)
        self.log_call("POST", slug, _CRASH.status, self.functions[slug])

    def response_of(self, function: DeployedFunction) -> FunctionResponse:
        """Return the answer to a call of that version: an error, the scenario's answer, or a 200 with its name."""
        if function.slug in self.failing:
            return _CRASH
        for response in self.responses.get(function.slug, ()):
            if response.version in {None, function.version} and response.source in function.source:
                return response
        if _FAILS.search(function.source):
            return _CRASH
        return FunctionResponse(body={"function": function.slug, "version": function.version})

    def log_call(self, method: str, slug: str, status: int, function: DeployedFunction | None) -> None:
        """Log a call as the platform does. `function` is None if the call didn't reach one."""
        # The CLI itself assigns these levels to a status.
        level = "error" if status >= 500 else "warn" if status >= 400 else "info"
        attributes = {"response.status_code": str(status)} | ({"function_id": function.id} if function else {})
        self.log("function_edge_logs", level, f"{method} | {status} | {slug}", **attributes)
        if function and status >= 500:
            message = _LOGGED.get(status, "Error: uncaught exception in the handler")
            self.log("function_logs", "error", message, function_id=function.id)

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
    """Return the state that a scenario begins with.

    `platform` may have `backup_age` and `backup_reach` (hours), `project_status`, `banned` and `allowed` (lists),
    `logs` (a list of `{source, level, message}`), `faults` (a list of `{request, status, delay, times}`) and
    `settings` (by the function's name, the `{verify_jwt, entrypoint_path, import_map_path}` that it is deployed with).
    Raises UsageError for anything else.
    """
    state = PlatformState(secrets=dict(secrets), responses=responses or {})
    settings = cast("Mapping[str, Mapping[str, object]]", platform.get("settings", {}))
    for slug, source in deployed.items():
        metadata = dict(settings.get(slug, {}))
        metadata["verify_jwt"] = str(metadata.get("verify_jwt", True)).lower() == "true"
        state.deploy(slug, (("index.ts", source.encode()),), metadata)
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
            case "settings":
                pass
            case _:
                hint = "backup_age, backup_reach, project_status, banned, allowed, logs, faults, settings"
                raise UsageError(f"the platform's stand-in has no '{key}'", hint=hint)
    return state
