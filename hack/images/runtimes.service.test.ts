/** The runtimes' image against a real Postgres; what they do there is tested from the sources. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it, vi } from 'vitest';

import { lacks } from '../../runtimes/test/backends.ts';
import { database } from '../../runtimes/test/database.ts';
import { root } from './programs.ts';
import { canUnpack, unpackedImage } from './test/unpacked-image.ts';

vi.setConfig({ testTimeout: 120_000 });

/** Applies the migrations of each kind with the code and the files of the image. */
function migrating(part: string, slugs: readonly string[]): string {
  return `
    const { migrateUp, migrationFolder } = await import('/app/${part}');
    const clock = { monotonic: () => performance.now(), sleep: async () => undefined };
    for (const slug of ${JSON.stringify(slugs)}) {
      const table = 'migrations_' + slug.replaceAll('-', '_');
      const source = { dir: migrationFolder(slug), schema: 'millrace', table };
      const options = { url: process.env.OWNER_URL, source, clock, deadlineMs: 10_000 };
      const applied = await migrateUp(options, { workingUrl: process.env.APP_URL });
      console.log(slug, applied.join(' '));
    }`;
}

describe.skipIf(!canUnpack || lacks('postgres'))(
  'the image of the runtimes on a real Postgres',
  () => {
    it('finds the migrations of every kind and applies them', async () => {
      await using image = await unpackedImage('runtimes');
      await using db = await database();
      const app = join(image.folder, 'app');
      let part = '';
      for (const name of await readdir(app)) {
        if (!name.endsWith('.mjs')) continue;
        const isIt = /export\{[^}]*\bmigrateUp\b/.test(await readFile(join(app, name), 'utf8'));
        if (isIt) part = name;
      }
      const slugs = await readdir(join(root, 'migrations'));

      const ended = await image.run(['/usr/local/bin/node', '-e', migrating(part, slugs)], {
        OWNER_URL: db.ownerUrl,
        APP_URL: db.appUrl,
      });

      expect(ended).toMatchObject({ code: 0 });
      for (const slug of slugs) expect(ended.output).toMatch(new RegExp(`^${slug} 0001_`, 'm'));
    });
  },
);
