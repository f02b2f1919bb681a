"""What the tests of the audit share: Supabase CLIs that only print help."""
