/** Takes away what nothing holds, at once, so that a test can tell what is held. */
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export async function collectGarbage(): Promise<void> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  // Whatever a WeakRef was made of lives to the end of that turn.
  await setImmediate();
  collect();
}
