import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '@millrace/kit/clock';
import { httpPlace } from '@millrace/runtimes/connectors/http/client';
import { readRange } from '@millrace/runtimes/connectors/http/range-reader';
import { identifyContent } from '@millrace/runtimes/connectors/http/resource';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadManifests } from './manifests.ts';
import { sampleUrl, serveFile, serveSample } from './sample-server.ts';

const anyPort = new URL('http://127.0.0.1:0/users.csv');
let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-served-'));
  file = join(folder, 'users.csv');
  await writeFile(file, 'id,name\n1,a\n');
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

test('gives ranges of one version of the sample, and nothing else', async () => {
  await using served = await serveFile(file, anyPort);
  const place = httpPlace({ url: served.url });

  const content = await identifyContent(place);

  if (content.kind !== 'http') throw new Error('expected a content with ranges');
  expect(content.size).toBe(12);
  const range = { offset: 8, length: 3 };
  const bytes = await readRange(place, content, { range, clock: systemClock });
  expect(bytes.toString()).toBe('1,a');
  const other = { ...content, etag: '"other"' };
  await expect(readRange(place, other, { range, clock: systemClock })).rejects.toMatchObject({
    code: 'SourceChanged',
  });
  expect((await fetch(new URL('/else', served.url))).status).toBe(404);
  expect((await fetch(served.url, { headers: { range: 'bytes=12-' } })).status).toBe(416);
  expect(await (await fetch(served.url)).text()).toBe('id,name\n1,a\n');
});

test('says what to do when something listens there already', async () => {
  await using served = await serveFile(file, anyPort);

  await expect(serveFile(file, new URL(served.url))).rejects.toThrow('End what listens there');
});

test('is at the address that the example names, and only for who names it', async () => {
  const examples = fileURLToPath(new URL('../../crds/examples/', import.meta.url));
  const [example] = await loadManifests([join(examples, 'csv-import-http.yaml')]);
  const others = await loadManifests([join(examples, 'csv-import-s3.yaml')]);
  const { signal } = new AbortController();

  expect(example?.object['spec']).toMatchObject({ source: { http: { url: sampleUrl.href } } });
  const options = { manifests: others, file, log: () => undefined, signal };
  expect(await serveSample(options)).toBeUndefined();
});
