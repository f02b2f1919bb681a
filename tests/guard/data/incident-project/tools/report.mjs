import { execSync } from 'node:child_process';

// The guard stops `supabase db reset --linked`.
console.log(execSync('npx supabase migration list --linked').toString());
