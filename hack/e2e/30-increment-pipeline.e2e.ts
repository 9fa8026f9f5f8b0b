/** Increments over HTTP to a Service of the cluster, and the sums that they come to. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { HttpKubeApi } from '@millrace/operator/kube/http-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uuids } from '../load/keys.ts';
import { Random } from '../load/random.ts';
import { expectExactSums } from './exact-sums.ts';
import { startLoad, seed } from './load.ts';
import { serviceUrl } from './resources.ts';
import { installedApi, kubectl, preparedNamespace, rows, type Rows } from './suite.ts';
import { waitUntil } from './waiting.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const example = join(repository, 'crds', 'examples', 'increment-pipeline.yaml');
const ref = { namespace: 'default', name: 'page-views' };

describe('an IncrementPipeline', () => {
  let api: HttpKubeApi;
  let db: Rows;

  beforeAll(async () => {
    api = await installedApi();
    db = await rows();
    await preparedNamespace(ref.namespace);
  });

  afterAll(async () => {
    await db[Symbol.asyncDispose]();
    await api.close();
  });

  it('becomes ready, for kubectl wait as it is documented', async () => {
    await kubectl(['apply', '-f', example]);
    const wait = ['wait', '--for=condition=Ready', 'incrementpipeline/page-views'];

    const said = await kubectl([...wait, '--timeout=60s'], { timeoutMs: 70_000 });

    expect(said).toContain('condition met');
  });

  it('adds up exactly what clients were told it took', async () => {
    const url = await serviceUrl(api, { ...ref, name: `${ref.name}-gateway` });
    const keys = uuids(200, new Random(seed));
    await using load = startLoad({ url, keys, clients: 4, itemsPerRequest: 100 });
    await waitUntil('20,000 accepted increments', 60_000, async () => {
      const { Accepted } = load.tally.totals.increments;
      return [Accepted >= 20_000, `${String(Accepted)} accepted; ${load.reasonsText()}`];
    });
    await load.stop(10_000);

    await expectExactSums({ db, table: 'increments', load });
    expect(load.tally.totals.requests.Unanswered).toBe(0);
  });

  it('answers with the sum of a key, and with what it does not take', async () => {
    const url = await serviceUrl(api, { ...ref, name: `${ref.name}-gateway` });
    const key = uuids(1, new Random(seed + 1))[0] ?? '';
    const post = async (body: object): Promise<Response> =>
      fetch(`${url}/increment`, { method: 'POST', body: JSON.stringify(body) });

    const taken = await post({ key, value: 42 });
    const refused = await post({ key, value: 0.5 });
    const read = await fetch(`${url}/counts/${key}?fresh=true`);

    expect([taken.status, refused.status]).toEqual([200, 400]);
    expect(await refused.text()).toContain('BadValue');
    expect(await read.json()).toMatchObject({ data: { key, value: 42 } });
  });
});
