"""What became of runs: the report of one, and all at a glance."""
