import type { Clock } from '@millrace/kit/clock';
import { describe, expect, it } from 'vitest';
import { webServer, type WebServer } from '../../../test/web-server.ts';
import { backendUrls } from '../../connectors/backend-urls.ts';
import { httpSource } from './http.ts';
import type { Transport } from './source.ts';

/** A clock that stands until it is set. */
function clockAt(): Clock & { nowMs: number } {
  const clock = {
    nowMs: 0,
    now: () => clock.nowMs,
    monotonic: () => clock.nowMs,
    sleep: () => Promise.resolve(),
  };
  return clock;
}

function transportOf(server: WebServer, clock: Clock): Transport {
  return httpSource({ url: server.url }, { urls: backendUrls('/nowhere', {}), clock });
}

describe('a source on a web server', () => {
  it('is asked for its version now and then, and only another content is trouble', async () => {
    await using server = await webServer('id,name\n');
    const clock = clockAt();
    const transport = transportOf(server, clock);
    const pinned = await transport.identify();
    const asked = server.seen.length;

    for (let n = 0; n < 5; n += 1) await transport.check(pinned);
    expect(server.seen.length).toBe(asked);
    clock.nowMs = 30_000;
    server.set({ statuses: [429] });
    await transport.check(pinned);
    expect(server.seen.length).toBe(asked + 1);

    server.set({ etag: '"v2"' });
    clock.nowMs = 60_000;
    const changed = { code: 'SourceChanged' };
    await expect(transport.check(pinned)).rejects.toMatchObject(changed);
    await expect(transport.checkThoroughly(pinned)).rejects.toMatchObject(changed);
  });

  it('is given up when its content ends at one place again and again, and not before', async () => {
    await using server = await webServer('x'.repeat(1_000));
    server.set({ ranges: false });
    const transport = transportOf(server, clockAt());
    const pinned = await transport.identify();
    server.set({ cutAfter: [100, 100, 100, 200, 300, 300, 300, 300, 300] });
    const codes: unknown[] = [];

    for (let n = 0; n < 9; n += 1) {
      try {
        for await (const _ of transport.readBlocks(pinned, { from: 0, blockBytes: 10 }));
      } catch (error) {
        codes.push((error as { code: unknown }).code);
      }
    }

    expect(codes.slice(0, 8)).toEqual(Array.from({ length: 8 }, () => 'SourceCut'));
    expect(codes[8]).toBe('SourceUnreadable');
  });

  it('is waited for where nothing of it comes, and a whole reading makes up for cuts', async () => {
    await using server = await webServer('x'.repeat(1_000));
    server.set({ ranges: false });
    const transport = transportOf(server, clockAt());
    const pinned = await transport.identify();
    const readAll = async (): Promise<unknown> => {
      try {
        for await (const _ of transport.readBlocks(pinned, { from: 0, blockBytes: 10 }));
        return 'Whole';
      } catch (error) {
        return (error as { code: unknown }).code;
      }
    };
    const readings = async (times: number): Promise<unknown[]> => {
      const ends: unknown[] = [];
      for (let n = 0; n < times; n += 1) ends.push(await readAll());
      return ends;
    };

    server.set({ cutAfter: Array.from({ length: 7 }, () => 0) });
    expect(new Set(await readings(7))).toEqual(new Set(['SourceCut']));
    const four = [300, 300, 300, 300];
    server.set({ cutAfter: four });
    expect((await readings(5)).at(-1)).toBe('Whole');
    server.set({ cutAfter: four });
    expect(await readings(4)).toEqual(four.map(() => 'SourceCut'));
  });
});
