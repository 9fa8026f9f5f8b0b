import { describe, expect, it } from 'vitest';
import { ImportCluster, namespace, report, usersSpec } from '../../../test/import-cluster.ts';
import { configMaps, deployments, jobs, secrets } from '../../machinery/workload/resource-types.ts';

const { source: _volume, ...rest } = usersSpec;
const spec = { ...rest, source: { s3: { bucket: 'drops', key: 'users.csv' } } };

const backends = { POSTGRES_URL: 'cA==', RABBITMQ_URL: 'cg==' };
const store = { S3_ENDPOINT: 'ZQ==', S3_REGION: 'cg==', S3_ACCESS_KEY_ID: 'aQ==' };

describe('an import from S3', () => {
  it('starts no pod before the Secret has every key of the store, and needs no claim', async () => {
    await using cluster = await ImportCluster.create({
      spec,
      hasClaim: false,
      secret: { ...backends, ...store },
    });

    const reason = 'SecretKeyMissing';
    expect(await cluster.condition('BackendsReady')).toMatchObject({ status: 'False', reason });
    expect((await cluster.condition('Ready'))?.message).toMatch(/ lacks S3_SECRET_ACCESS_KEY\. /);
    expect(await cluster.read(jobs, 'users-coordinator')).toBeUndefined();

    const data = { ...backends, ...store, S3_SECRET_ACCESS_KEY: 'cw==' };
    await cluster.api.patch(secrets, { namespace, name: 'millrace-backends' }, { data });
    await cluster.settle();

    const job = await cluster.read(jobs, 'users-coordinator');
    expect(job).toBeDefined();
    // Nothing of a volume: a pod with a mount of no claim would never start.
    for (const pods of [job, await cluster.read(deployments, 'users-worker')]) {
      expect(JSON.stringify(pods)).not.toMatch(/persistentVolumeClaim|SOURCE_VOLUME/);
    }
    const config = await cluster.read(configMaps, 'users-config');
    const text = config?.['data'] as Readonly<Record<string, string>> | undefined;
    expect(JSON.parse(text?.['config.json'] ?? '')).toMatchObject({ source: spec.source });
  });

  it('says of the store what the coordinator says, until it is read', async () => {
    await using cluster = await ImportCluster.create({
      spec,
      hasClaim: false,
      secret: { ...backends, ...store, S3_SECRET_ACCESS_KEY: 'cw==' },
    });
    const said = { reason: 'SourceRefused', message: 'The store refuses the signature.' };
    cluster.progress = report({ state: 'Planning', ...said });
    await cluster.runCoordinator();

    expect(await cluster.condition('SourceReady')).toMatchObject({ status: 'False', ...said });
    expect(await cluster.condition('Ready')).toMatchObject({ status: 'False', ...said });

    cluster.progress = report({ state: 'Loading' });
    await cluster.clock.advance(30_000);
    await cluster.settle();

    expect(await cluster.condition('SourceReady')).toMatchObject({ status: 'True' });
    expect(await cluster.condition('Ready')).toMatchObject({ reason: 'Loading' });
  });
});
