"""A stand-in for the hosted platform's API, on loopback, that the real CLI accepts.

Which requests the CLI makes and which replies it takes was found by running Supabase CLI 3.1.0 and 2.122.1 against it.
It is for drills only and keeps its state in memory. What a scenario sets (a failing function, an old backup, a fault)
is in `state`; what the walk did to it is in `state.requests`.
"""

from __future__ import annotations

from runbook.drill.platform.server import TOKEN, Platform, environment, serve, write_link, write_profile
from runbook.drill.platform.state import PROJECT_REF, Fault, PlatformState, initial_state

__all__ = [
    "PROJECT_REF",
    "TOKEN",
    "Fault",
    "Platform",
    "PlatformState",
    "environment",
    "initial_state",
    "serve",
    "write_link",
    "write_profile",
]
