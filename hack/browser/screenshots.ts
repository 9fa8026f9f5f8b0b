/** Pictures of the live page as people see it: light, dark and narrow, in the middle of an import. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import type { Browser } from 'playwright-core';

import { progressEvent, rowEvent, scriptedGateway } from './scripted-gateway.ts';

interface Look {
  readonly name: string;
  readonly colorScheme: 'light' | 'dark';
  readonly width: number;
  readonly height: number;
}

const looks: readonly Look[] = [
  { name: 'live-page-light', colorScheme: 'light', width: 1120, height: 800 },
  { name: 'live-page-dark', colorScheme: 'dark', width: 1120, height: 800 },
  { name: 'live-page-narrow', colorScheme: 'light', width: 390, height: 844 },
];

const rowsShown = 16;

/** Writes one file a look, and returns their paths. */
export async function takeScreenshots(browser: Browser, folder: string): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  await using gateway = await scriptedGateway({
    table: 'users',
    script: async (sink) => {
      const at = { rejected: 212, superseded: 18_440 };
      await sink.send([progressEvent({ state: 'Loading', read: 30_412_500, share: 0.581, ...at })]);
      await sink.send(Array.from({ length: rowsShown }, (_, row) => rowEvent(row)));
      // Long enough after the first for the page to know a speed.
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      await sink.send([progressEvent({ state: 'Loading', read: 30_498_700, share: 0.583, ...at })]);
      await new Promise((resolve) => sink.signal.addEventListener('abort', resolve));
    },
  });
  const files: string[] = [];
  for (const { name, colorScheme, width, height } of looks) {
    const viewport = { width, height };
    // New rows would shine for a moment.
    const page = await browser.newPage({ colorScheme, viewport, reducedMotion: 'reduce' });
    await page.goto(gateway.url);
    await page.getByText('rows/s').waitFor();
    const file = join(folder, `${name}.png`);
    await page.screenshot({ path: file });
    await page.close();
    files.push(file);
  }
  return files;
}
