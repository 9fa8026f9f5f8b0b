/** The operator's image against a real API server; what it does there is tested from the sources. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';

import { expect, it, vi } from 'vitest';

import { describeOnCluster, realNamespace } from '../../operator/test/real-cluster.ts';
import { entrypoint } from './build.ts';
import { canUnpack, unpackedImage } from './test/unpacked-image.ts';

vi.setConfig({ testTimeout: 180_000 });

describeOnCluster('the image of the operator on a real server', () => {
  it.skipIf(!canUnpack)('wins the Lease with the thread beside it, and drains', async () => {
    await using place = await realNamespace();
    await using image = await unpackedImage('operator');
    await image.put('tmp/kubeconfig', await readFile(place.kubeconfig, 'utf8'));
    const scope = ['--kubeconfig', '/tmp/kubeconfig', '--namespace', place.namespace];
    const options = ['--runtime-image', 'none', '--admin-port', '0'];

    const operator = image.start([...entrypoint('operator'), ...scope, ...options]);
    let output = '';
    operator.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    operator.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    await expect.poll(() => output, { timeout: 120_000 }).toContain('"msg":"leading"');
    const ended = once(operator, 'exit');
    operator.kill('SIGTERM');

    expect(await ended, output).toEqual([0, null]);
  });
});
