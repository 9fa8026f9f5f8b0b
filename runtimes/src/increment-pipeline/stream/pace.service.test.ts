import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../../../test/backends.ts';
import {
  appenderHost,
  appenderScene,
  outcome,
  randomItems,
  type AppenderHost,
  type AppenderScene,
} from '../../../test/increment-appender.ts';
import { beat, leave } from '../ledger/members.ts';

let host: AppenderHost;

/** More than the workers are trusted with in the time that an increment may wait. */
const burst = 100_000;

async function tryOne({ it: { appender } }: AppenderScene): Promise<string> {
  return await outcome(appender.append(randomItems(1)));
}

/** What a worker would do that commits all there is. */
async function commitAll({ ledger, uid }: AppenderScene): Promise<void> {
  await ledger.query(
    'UPDATE millrace.increment_partitions SET committed = committed + $2 WHERE pipeline = $1 AND partition = 0',
    [uid, burst * 2],
  );
}

describe.skipIf(lacks('postgres', 'redis'))('the pace of appends', () => {
  beforeAll(async () => {
    host = await appenderHost();
  });
  afterAll(async () => host[Symbol.asyncDispose]());

  it('is that of the workers, and nobody’s while there are none', async () => {
    await using scene = await appenderScene(host);
    const { it: running, ledger, uid } = scene;
    await running.ready();
    const worker = { pipeline: uid, member: 'a worker' };
    const aliveAnd = (code: string) =>
      expect
        .poll(
          async () => {
            await beat(ledger, { ...worker, role: 'worker' });
            return await tryOne(scene);
          },
          { timeout: 10_000, interval: 200 },
        )
        .toBe(code);

    await running.appender.append(randomItems(burst));
    await aliveAnd('Transient Backlogged');
    expect(running.appender.status().ready).toBe(true);
    await leave(ledger, worker);
    await expect.poll(() => tryOne(scene), { timeout: 10_000 }).toBe('ok');
    await aliveAnd('Transient Backlogged');
    await commitAll(scene);
    await aliveAnd('ok');
  });
});
