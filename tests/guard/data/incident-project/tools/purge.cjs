const cp = require('child_process');
cp.execSync(`psql ${process.env.PROD_DATABASE_URL} -c "truncate bookings"`);
