"""Write new migration files: `runbook migration new`."""
