"""Rebuild the hosted database."""

import os

os.system("npx supabase db reset --linked")
