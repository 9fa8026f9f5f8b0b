import { describe, expect, it } from 'vitest';
import { Fault } from '@millrace/kit/fault';
import { Transient } from '@millrace/kit/transient';
import { gatewayConfig } from '../../../test/gateway.ts';
import type { RedisStore } from '../../connectors/redis/store.ts';
import { cacheUpdate, type WarmWriterOptions } from './warm-writer.ts';

const unused = async (): Promise<never> => {
  throw new Error('the ledger was not to be asked');
};

function updating(mode: 'Off' | 'Invalidate', failure?: Error) {
  const bumped: string[] = [];
  const redis = {
    set: async (key: string) => {
      if (failure !== undefined) throw failure;
      bumped.push(key);
    },
  } as unknown as RedisStore;
  const config = gatewayConfig({ cache: { mode } });
  const options: WarmWriterOptions = { config, redis, db: { query: unused }, databaseScope: '' };
  return { bumped, update: cacheUpdate(options) };
}

const away = new Transient('NotConnected', 'Redis is away.', { backend: 'redis' });

describe('a commit of an import without a cache', () => {
  it('makes stale what other imports cached of its table', async () => {
    const { bumped, update } = updating('Off');

    await update({ chunk: 0, outcome: 'Loaded' });
    await update();

    expect(bumped).toEqual(['millrace:{people}:generation', 'millrace:{people}:generation']);
  });

  it('waits for no Redis that is away, which one with a cache does', async () => {
    const outcomes = await Promise.allSettled([
      updating('Off', away).update({ chunk: 0, outcome: 'Done' }),
      updating('Invalidate', away).update({ chunk: 0, outcome: 'Done' }),
      updating('Off', new Fault('a bug')).update(),
    ]);

    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
  });
});
