import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import {
  describeOnCluster,
  realNamespace,
  type RealNamespace,
} from '../../../test/real-cluster.ts';
import { loadConnection } from '../../kube/connection.ts';
import { electLeader, type Elector } from './elector.ts';
import { leasePort, type Lease } from './lease.ts';

const forever = new AbortController().signal;

async function candidate(cluster: RealNamespace, identity: string): Promise<Elector> {
  return electLeader({
    connection: await loadConnection({ kubeconfig: cluster.kubeconfig, env: {} }),
    namespace: cluster.namespace,
    name: 'election',
    identity,
    // A duration that no test waits for: whoever leads second does so because it was given up.
    timings: { leaseDurationMs: 60_000, renewDeadlineMs: 4_000, retryPeriodMs: 200 },
  });
}

async function leaseIn({ api, namespace }: RealNamespace): Promise<Lease | undefined> {
  return await leasePort(api, { namespace, name: 'election' }).read();
}

async function until(claim: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await claim())) await delay(20);
}

describeOnCluster('leader election on a real API server', () => {
  it('has one leader, renews its Lease, and hands it over at once when it is released', async () => {
    await using cluster = await realNamespace();
    const first = await candidate(cluster, 'first');
    const second = await candidate(cluster, 'second');

    const leadership = await first.campaign(forever);
    const began = await leaseIn(cluster);
    let successor: { readonly epoch: number } | undefined;
    const succeeding = second.campaign(forever).then((won) => (successor = won));
    await until(async () => (await leaseIn(cluster))?.version !== began?.version);

    expect(began).toMatchObject({ holder: 'first', transitions: leadership.epoch });
    expect([leadership.isValid(), successor]).toEqual([true, undefined]);

    await first.release();
    const next = await succeeding;

    expect([leadership.isValid(), leadership.lost.aborted, next.isValid()]).toEqual([
      false,
      true,
      true,
    ]);
    expect(next.epoch).toBe(leadership.epoch + 1);
    await second.release();
    expect(await leaseIn(cluster)).toMatchObject({ holder: '', durationSeconds: 1 });
  });

  it('loses its leadership when somebody else has taken the Lease', async () => {
    await using cluster = await realNamespace();
    const elector = await candidate(cluster, 'first');
    const leadership = await elector.campaign(forever);
    const { lost } = leadership;

    const patch = '{"spec":{"holderIdentity":"usurper","leaseTransitions":2000000000}}';
    await cluster.kubectl(['patch', 'lease', 'election', '--type=merge', '-p', patch]);
    await until(() => lost.aborted);

    expect([lost.reason, leadership.isValid(), elector.state.role]).toEqual([
      'usurper holds the Lease',
      false,
      'ended',
    ]);
    await elector.release();
    expect(await leaseIn(cluster)).toMatchObject({ holder: 'usurper' });
  });

  it('gives the Lease up and ends the process whose event loop stands still', async () => {
    await using cluster = await realNamespace();
    const program = fileURLToPath(new URL('test-programs/leader.ts', import.meta.url));
    const child = spawn(process.execPath, [program, cluster.kubeconfig, cluster.namespace]);
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    await once(child.stdout, 'data');

    child.stdin.write('block\n');
    const [, signal] = (await once(child, 'exit')) as [unknown, string];

    expect(signal).toBe('SIGKILL');
    expect(said).toContain('the event loop stood still');
    expect(await leaseIn(cluster)).toMatchObject({ holder: '' });
  });
});
