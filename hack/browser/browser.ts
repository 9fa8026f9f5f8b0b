/** A running Chromium that is closed with its last page. */
import { chromium, type Browser } from 'playwright-core';

import { findChromium, type ChromiumSearch } from './chromium.ts';

export interface RunningBrowser extends AsyncDisposable {
  readonly browser: Browser;
}

export async function openBrowser(search: ChromiumSearch): Promise<RunningBrowser> {
  const { executablePath, env } = await findChromium(search);
  const browser = await chromium.launch({
    executablePath,
    env: { ...env },
    // Root, and containers, have no sandbox to give; the only pages it opens are our own.
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  });
  return { browser, [Symbol.asyncDispose]: () => browser.close() };
}
