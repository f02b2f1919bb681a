"""The guard: shell functions, shims, hooks of coding agents, scans, and a log. All ask `runbook.policy.judge`."""
