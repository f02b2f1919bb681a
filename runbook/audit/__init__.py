"""What the Supabase CLI's own help says, and whether the book agrees with it (`runbook audit`)."""

from __future__ import annotations
