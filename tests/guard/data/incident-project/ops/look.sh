#!/usr/bin/env bash
# Unlike ops/rebuild.sh, this runs no `supabase db reset --linked`.
set -eu
npx supabase migration list --linked
