import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import { systemClock } from '@millrace/kit/clock';
import { describe, expect, it } from 'vitest';
import { lacks } from '../../../test/backends.ts';
import { bucket } from '../../../test/bucket.ts';
import {
  certificateForAnotherName,
  expiredCertificate,
  goodCertificate,
  selfSignedCertificate,
} from '../../../test/certificates.ts';
import { tlsFront, type TlsFront } from '../../../test/tls-front.ts';
import { webServer } from '../../../test/web-server.ts';
import { backendUrls } from '../../connectors/backend-urls.ts';
import { openSource } from './open-source.ts';
import type { Source } from './source.ts';

const content = 'id,name\n1,a\n';
const good = await goodCertificate();

interface Served extends AsyncDisposable {
  readonly source: Source;
  readonly front: TlsFront;
  /** What is in the key CA_BUNDLE of the Secret from now on. */
  readonly trust: (authorities: string) => Promise<void>;
}

type Place = Pick<CsvImportPodConfig['source'], 's3' | 'http'>;

/** The content behind a TLS server, as a source that reads the keys of a mounted Secret. */
async function served(
  url: string,
  of: (front: TlsFront) => [Place, keys?: object],
): Promise<Served> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-tls-'));
  const front = await tlsFront(url, good);
  const [place, keys = {}] = of(front);
  const write = async (key: string, value: string): Promise<void> =>
    await writeFile(join(folder, key), value);
  for (const [key, value] of Object.entries(keys)) await write(key, String(value));
  return {
    source: openSource(place, { urls: backendUrls(folder, {}), clock: systemClock }),
    front,
    trust: async (authorities) => await write('CA_BUNDLE', authorities),
    [Symbol.asyncDispose]: async () => {
      await front[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const servers: Readonly<Record<string, (use: (it: Served) => Promise<void>) => Promise<void>>> = {
  'a web server': async (use) => {
    await using server = await webServer(content);
    await using it = await served(server.url, (front) => [{ http: { url: front.url } }]);
    await use(it);
  },
  'an S3 store': async (use) => {
    await using at = await bucket();
    await at.put('data.csv', content);
    const { region, accessKeyId, secretAccessKey } = at.settings;
    await using it = await served(at.settings.endpoint, (front) => [
      { s3: { bucket: at.name, key: 'data.csv' } },
      {
        S3_ENDPOINT: front.url,
        S3_REGION: region,
        S3_ACCESS_KEY_ID: accessKeyId,
        S3_SECRET_ACCESS_KEY: secretAccessKey,
      },
    ]);
    await use(it);
  },
};

/** Family, code and message of what is thrown. */
async function told(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => 'nothing was thrown',
    ({ family, code, message }: { family: string; code: string; message: string }) =>
      `${family} ${code} ${message}`,
  );
}

describe.skipIf(lacks('s3')).each(Object.entries(servers))('%s with TLS', (_name, withServer) => {
  it('is read as soon as the Secret holds its authority, and refused when it is another', async () => {
    await withServer(async ({ source, front, trust }) => {
      const waiting = await told(source.identify());
      await trust(good.authority);
      const pinned = await source.identify();
      const before = front.connections();
      const bytes = await source.readRange(pinned, { offset: 8, length: 3 });
      await trust((await goodCertificate()).authority);

      expect(waiting).toMatch(/^Transient SourceUntrusted .*; add its authority to CA_BUNDLE/);
      expect(bytes.toString()).toBe('1,a');
      expect(await told(source.readRange(pinned, { offset: 0, length: 2 }))).toMatch(
        /^Transient SourceUntrusted /,
      );
      expect(front.connections()).toBeLessThanOrEqual(before + 2);
    });
  });

  it.each([
    ['for another name', certificateForAnotherName, /is for another name; give it one for/],
    ['that has expired', expiredCertificate, /has expired; renew it/],
    ['that it has signed itself', selfSignedCertificate, /add its authority to CA_BUNDLE/],
  ])('says what to do about a certificate %s, after one look at it', async (_, make, words) => {
    const bad = await make();
    await withServer(async ({ source, front, trust }) => {
      // Trusted is whoever has signed it, but not what signs for itself.
      await trust(bad.authority === bad.certificate ? good.authority : bad.authority);
      front.present(bad);

      const refused = await told(source.identify());

      expect(refused).toMatch(/^Transient SourceUntrusted Reading /);
      expect(refused).toMatch(words);
      expect(front.connections()).toBe(1);
    });
  });
});
