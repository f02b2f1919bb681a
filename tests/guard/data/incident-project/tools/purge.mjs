import { execFileSync } from 'node:child_process';

const target = '--linked';
execFileSync('npx', ['supabase', 'db', 'reset', target, '--yes'], { stdio: 'inherit' });
