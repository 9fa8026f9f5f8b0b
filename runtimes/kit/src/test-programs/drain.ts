/** Prints when it runs and when it drained; ends with what the test asks for. Run by lifecycle.test.ts. */
import { createLog } from '../log.ts';
import { runProcess } from '../lifecycle.ts';
import { Permanent } from '../permanent.ts';

const [, , mode] = process.argv;
const log = createLog({ level: 'info', bindings: {} });
await runProcess(
  async (signal) => {
    if (mode === 'permanent') throw new Permanent('SourceMissing', 'No such file.');
    if (mode === 'misconfigured') throw new Permanent('BadConfiguration', 'Wrong.');
    if (mode === 'fault') throw new TypeError('bug');
    if (mode === 'finish') return 0;
    log.info('running');
    const alive = setInterval(() => undefined, 1_000);
    await new Promise<void>((resolve) => {
      if (mode === 'drain') signal.addEventListener('abort', () => resolve());
    });
    clearInterval(alive);
    log.info('drained');
    return 0;
  },
  { log, graceMs: mode === 'stuck' ? 50 : 10_000 },
);
