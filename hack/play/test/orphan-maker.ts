/** Starts a pod process, prints its pid and waits to be killed: the parent in a test of orphans. */
import { join } from 'node:path';
import { startProcess } from '../supervisor/process.ts';

const [stateDir = '', ...program] = process.argv.slice(2);
const child = await startProcess({
  program,
  command: { args: ['serve'], env: { MILLRACE_BIND_ADMIN_PORT: '0' } },
  cwd: stateDir,
  logFile: join(stateDir, 'orphan.log'),
  recordFile: join(stateDir, 'orphan.json'),
});
process.stdout.write(`${String(child.pid)}\n`);
setInterval(() => undefined, 60_000);
