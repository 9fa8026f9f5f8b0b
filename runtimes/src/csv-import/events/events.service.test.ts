import { describe, expect, it } from 'vitest';
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import { lacks } from '../../../test/backends.ts';
import { eventClient, type EventClient } from '../../../test/event-client.ts';
import { testGateway } from '../../../test/gateway.ts';
import { completeImport, loadChunks } from '../../../test/prepared-chunks.ts';
import { preparedImport, type PreparedImport } from '../../../test/prepared-import.ts';

/** Four chunks of about 1 KiB. */
function content(records = 128): string {
  const lines = Array.from({ length: records }, (_, id) => `${id},value ${id} ${'x'.repeat(16)}`);
  return `id,value\n${lines.join('\n')}\n`;
}

const served: Partial<CsvImportPodConfig> = { serve: { enabled: true, filters: [] } };

function ids(client: EventClient): readonly number[] {
  return client.rows().map((row) => (JSON.parse(row) as { id: number }).id);
}

const all = (records = 128): readonly number[] => Array.from({ length: records }, (_, id) => id);
const sorted = (found: readonly number[]): readonly number[] => [...found].sort((a, b) => a - b);

function gatewayOf(it: PreparedImport) {
  return testGateway({ config: it.config, postgresUrl: it.env['POSTGRES_URL'] ?? '' });
}

describe.skipIf(lacks('postgres'))('the events of an import', () => {
  it('sends what is there, then chunks as they are committed, then the end', async () => {
    await using it = await preparedImport(content(), served);
    const [first = 0, ...others] = it.chunks;
    await loadChunks(it, [first]);
    await using gateway = await gatewayOf(it);

    await using client = await eventClient(`${gateway.url}/things/events`);
    await expect.poll(() => ids(client).length).toBeGreaterThan(0);
    const snapshot = ids(client).length;
    await loadChunks(it, others.toReversed());
    await expect.poll(() => ids(client).length).toBe(128);
    await completeImport(it);
    const wasEnded = await client.ended;

    expect([client.status, client.type]).toEqual([200, 'text/event-stream; charset=utf-8']);
    expect(snapshot).toBeLessThan(64);
    expect(sorted(ids(client))).toEqual(all());
    expect(wasEnded).toBe(true);
    expect(client.events.at(-1)).toMatchObject({ event: 'end' });
  });
});
