"""The faces of the guard: shells, shims, coding agents, scans, and a log. All ask `runbook.policy.judge`."""
