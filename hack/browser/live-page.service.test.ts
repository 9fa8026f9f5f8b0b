import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Page } from 'playwright-core';

import { lacks } from '../../runtimes/test/backends.ts';
import { testGateway } from '../../runtimes/test/gateway.ts';
import { preparedImport } from '../../runtimes/test/prepared-import.ts';
import { completeImport, loadChunks } from '../../runtimes/test/prepared-chunks.ts';
import { openBrowser, type RunningBrowser } from './browser.ts';
import { findChromium } from './chromium.ts';
import {
  progressEvent,
  rowEvent,
  scriptedGateway,
  type Refuse,
  type Script,
} from './scripted-gateway.ts';

const problem = await findChromium({ env: process.env, log: () => undefined }).then(
  () => undefined,
  (error: unknown) => String(error),
);
if (problem !== undefined) {
  if (process.env['CI'] === 'true') throw new Error(problem);
  console.error(`live page: skipped: ${problem}`);
}

let running: RunningBrowser | undefined;
beforeAll(async () => {
  if (problem !== undefined) return;
  running = await openBrowser({ env: process.env, log: () => undefined });
});
afterAll(() => running?.[Symbol.asyncDispose]());

const refuseWithoutToken: Refuse = ({ headers }) =>
  headers.authorization === 'Bearer secret-0123456789'
    ? undefined
    : { status: 401, body: '{"status":"error","error":{"code":"Unauthorized"}}' };

interface OpenedPage extends AsyncDisposable {
  readonly page: Page;
  /** What the browser complained of: errors of the script, refusals of the policy. */
  readonly complaints: readonly string[];
}

async function opened(
  url: string,
  look: { readonly colorScheme?: 'light' | 'dark'; readonly width?: number } = {},
): Promise<OpenedPage> {
  const { colorScheme = 'light', width = 1_000 } = look;
  if (running === undefined) throw new Error('there is no browser');
  const page = await running.browser.newPage({ colorScheme, viewport: { width, height: 700 } });
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(url);
  return { page, complaints, [Symbol.asyncDispose]: () => page.close() };
}

const untilGone = (signal: AbortSignal): Promise<unknown> =>
  new Promise((resolve) => signal.addEventListener('abort', resolve));

const aFewRows: Script = async (sink) => {
  await sink.send([progressEvent({ state: 'Loading', read: 12, rejected: 1, share: 0.25 })]);
  await sink.send([rowEvent(1), rowEvent(2)]);
  await untilGone(sink.signal);
};

describe.skipIf(lacks('postgres') || problem !== undefined)(
  'the live page of a real import',
  () => {
    it('shows the first row before the import is complete, and later that it is', async () => {
      const content = `id,value\n${Array.from({ length: 128 }, (_, id) => `${id},value ${id}`).join('\n')}\n`;
      await using it = await preparedImport(content, { serve: { enabled: true, filters: [] } });
      await using gateway = await testGateway({
        config: it.config,
        postgresUrl: it.env['POSTGRES_URL'] ?? '',
      });
      await using live = await opened(gateway.url);
      const state = live.page.locator('#state');
      const cells = live.page.locator('#rows td');

      await expect.poll(() => state.textContent(), { timeout: 20_000 }).toBe('Loading');
      const before = await cells.count();
      await loadChunks(it, it.chunks.slice(0, 1));
      await expect.poll(() => cells.count(), { timeout: 20_000 }).toBeGreaterThan(1);
      const stateAtFirstRow = await state.textContent();
      await loadChunks(it, it.chunks.slice(1));
      await completeImport(it);
      await expect.poll(() => state.textContent(), { timeout: 20_000 }).toBe('Complete');

      expect([before, stateAtFirstRow]).toEqual([0, 'Loading']);
      expect(await live.page.locator('#read').textContent()).toBe('128');
      expect(await live.page.locator('#bar').getAttribute('value')).toBe('100');
      expect(live.complaints).toEqual([]);
    });
  },
);

describe.skipIf(problem !== undefined)('the live page', () => {
  it('shows digits that a number of JavaScript would lose, and markup as text', async () => {
    await using gateway = await scriptedGateway({
      table: 'users',
      script: async (sink) => {
        await sink.send([
          { data: '{"id":9007199254740993,"note":"<img src=x onerror=alert(1)>"}' },
        ]);
        await untilGone(sink.signal);
      },
    });

    await using live = await opened(gateway.url);
    const cells = live.page.locator('#rows td');

    await expect
      .poll(() => cells.allTextContents(), { timeout: 20_000 })
      .toEqual(['9007199254740993', '<img src=x onerror=alert(1)>']);
    expect(await live.page.locator('#rows img').count()).toBe(0);
    expect(live.complaints).toEqual([]);
  });

  it('goes on where it was when its stream is cut', async () => {
    const asked: (string | undefined)[] = [];
    await using gateway = await scriptedGateway({
      table: 'users',
      script: async (sink, { headers }) => {
        const id = headers['last-event-id'];
        asked.push(typeof id === 'string' ? id : undefined);
        await sink.send([rowEvent(asked.length)]);
        if (asked.length > 1) await untilGone(sink.signal);
      },
    });

    await using live = await opened(gateway.url);

    await expect.poll(() => live.page.locator('#rows tr').count(), { timeout: 20_000 }).toBe(2);
    expect(asked).toEqual([undefined, 'row-1']);
  });

  it('asks for a token where rows need one, and sends it', async () => {
    await using gateway = await scriptedGateway({
      table: 'users',
      script: aFewRows,
      refuse: refuseWithoutToken,
    });

    await using live = await opened(gateway.url);
    await live.page.getByLabel('This gateway asks for a token').fill('secret-0123456789');
    await live.page.getByRole('button', { name: 'Show rows' }).click();

    await expect.poll(() => live.page.locator('#rows tr').count(), { timeout: 20_000 }).toBe(2);
    expect(await live.page.locator('#auth').isHidden()).toBe(true);
    expect(live.page.url()).not.toContain('secret');
  });

  it('asks again when a token is none that a browser can send', async () => {
    await using gateway = await scriptedGateway({
      table: 'users',
      script: aFewRows,
      refuse: refuseWithoutToken,
    });

    await using live = await opened(gateway.url);
    for (const token of ['secret\u2013\u4f60', 'secret-0123456789']) {
      const field = live.page.getByLabel('This gateway asks for a token');
      await field.fill(token, { timeout: 20_000 });
      await live.page.getByRole('button', { name: 'Show rows' }).click();
    }

    await expect.poll(() => live.page.locator('#rows tr').count(), { timeout: 20_000 }).toBe(2);
  });

  it('fits light, dark and narrow screens', async () => {
    await using gateway = await scriptedGateway({ table: 'users', script: aFewRows });
    const grounds: string[] = [];

    for (const look of [
      { colorScheme: 'light', width: 1_000 },
      { colorScheme: 'dark', width: 360 },
    ] as const) {
      await using live = await opened(gateway.url, look);
      await live.page.getByText('Greta').or(live.page.getByText('Bruno')).first().waitFor();
      const width = await live.page.locator('html').evaluate((page) => page.scrollWidth);
      const ground = await live.page
        .locator('body')
        .evaluate((body) => body.ownerDocument.defaultView?.getComputedStyle(body).backgroundColor);
      expect(width).toBeLessThanOrEqual(look.width);
      grounds.push(ground ?? '');
    }

    expect(grounds).toEqual(['rgb(246, 247, 249)', 'rgb(15, 21, 27)']);
  });
});
