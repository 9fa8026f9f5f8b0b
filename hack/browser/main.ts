/** `node hack/bootstrap.mjs hack/browser/main.ts [folder]`: pictures of the live page, by default into docs/. */
import { openBrowser } from './browser.ts';
import { takeScreenshots } from './screenshots.ts';

const folder = process.argv[2] ?? 'docs';
await using running = await openBrowser({
  env: process.env,
  log: (line) => console.error(line),
});
for (const file of await takeScreenshots(running.browser, folder)) console.log(file);
