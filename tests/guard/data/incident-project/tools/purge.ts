import { spawnSync } from 'node:child_process';

spawnSync('npx', ['supabase', 'db', 'reset', '--linked'], { stdio: 'inherit' });
