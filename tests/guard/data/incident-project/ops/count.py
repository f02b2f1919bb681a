"""Count rows. It never runs `supabase db reset --linked`."""

import subprocess

subprocess.run(["psql", "-h", "localhost", "-c", "select count(*) from bookings"], check=True)
