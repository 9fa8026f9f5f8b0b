/**
 * Loaded into every child before its program: ends it when play is gone.
 *
 * File descriptor 3 is a pipe that only play holds open. When play dies, by whatever signal, the
 * pipe closes and the child asks itself to drain, then ends. Neither the pipe nor the timer keeps a
 * process alive that is done.
 */
import { Socket } from 'node:net';

// What this program starts in its own way must not begin with this module: a worker's trials have
// another pipe at that descriptor, which would be read empty here.
const own = process.execArgv.indexOf(import.meta.filename);
if (own > 0) process.execArgv.splice(own - 1, 2);

/** Longer than a drain takes, short enough that the next run need not wait for it. */
const graceMs = 10_000;

const pipe = new Socket({ fd: 3, readable: true, writable: false });
pipe.on('close', () => {
  process.kill(process.pid, 'SIGTERM');
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), graceMs).unref();
});
pipe.on('error', () => pipe.destroy());
pipe.resume();
pipe.unref();
