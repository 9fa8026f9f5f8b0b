import { expect, it } from 'vitest';

import { describeOnCluster, realNamespace } from './real-cluster.ts';

describeOnCluster('a namespace of a test', () => {
  it('accepts pods at once and is asked to go away when disposed', async () => {
    const cluster = await realNamespace();
    const made = await cluster.kubectl(['run', 'one', '--image=none', '-o', 'name']);
    expect(made).toMatchObject({ stdout: 'pod/one\n', exitCode: 0 });

    await cluster[Symbol.asyncDispose]();

    const { stdout } = await cluster.kubectl(['get', 'namespace', cluster.namespace, '-o', 'json']);
    const { deletionTimestamp } = (
      JSON.parse(stdout || '{"metadata":{"deletionTimestamp":"gone"}}') as {
        metadata: { deletionTimestamp?: string };
      }
    ).metadata;
    expect(deletionTimestamp).toBeDefined();
  });
});
