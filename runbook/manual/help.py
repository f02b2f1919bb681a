"""Read the text that a Supabase CLI prints for `--help`. Pure."""

from __future__ import annotations
