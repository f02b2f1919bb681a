"""The durable record of runs: their events, and the journals that keep them."""
