"""What became of runs: the report of one, and an overview of all."""
