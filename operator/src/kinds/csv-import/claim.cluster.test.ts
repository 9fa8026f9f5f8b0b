/**
 * Where a real scheduler puts pods that read a volume for one node. The three nodes exist by word only
 * and nothing runs on them; they are tainted, so that pods of other suites do not come to them.
 */
import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { usersSpec } from '../../../test/import-cluster.ts';
import { careFor, observed, owner } from '../../../test/observed.ts';
import {
  describeOnCluster,
  realNamespace,
  type RealNamespace,
} from '../../../test/real-cluster.ts';
import type { KubeObject, ResourceType } from '../../machinery/kube-api.ts';
import { pods } from '../../machinery/workload/resource-types.ts';
import type { ClaimFacts } from './claim.ts';
import type { Role } from './names.ts';
import { claims } from './resource-types.ts';

const nodeType: ResourceType = { apiVersion: 'v1', kind: 'Node', plural: 'nodes' };
const volumeType: ResourceType = {
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  plural: 'persistentvolumes',
};
/** Each node has room for so many pods. */
const room = 4;
const taint = { key: 'millrace.dev/no-kubelet', value: 'true', effect: 'NoSchedule' };

class Nodes implements AsyncDisposable {
  readonly #cluster: RealNamespace;
  readonly #names: readonly string[];
  readonly #volume: string;
  #pods = 0;

  private constructor(cluster: RealNamespace, suffix: string) {
    this.#cluster = cluster;
    this.#names = ['a', 'b', 'c'].map((letter) => `${letter}-${suffix}`);
    this.#volume = `data-${suffix}`;
  }

  static async create(): Promise<Nodes> {
    const nodes = new Nodes(await realNamespace(), randomBytes(6).toString('hex'));
    for (const name of nodes.#names) await nodes.#cluster.api.create(nodeType, node(name));
    await nodes.#makeClaim();
    return nodes;
  }

  /** A pod as an import with such a claim has it. */
  async place(role: Role, claim: ClaimFacts, uid = owner.uid): Promise<string> {
    const of = observed({ owner: { ...owner, uid }, claim: () => claim });
    const { metadata, spec } = careFor(usersSpec, of).rendering.templates[role];
    const { api, namespace } = this.#cluster;
    const name = `pod-${++this.#pods}`;
    const { labels } = metadata as Labelled;
    const tolerations = [{ key: taint.key, operator: 'Exists' }];
    await api.create(pods, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace, name, labels },
      spec: { ...(spec as object), restartPolicy: 'Never', tolerations },
    });
    return name;
  }

  /** Where a pod has come to, once it has. */
  async nodeOf(name: string): Promise<string> {
    await expect
      .poll(async () => (await this.#specOf(name)).nodeName, { timeout: 20_000 })
      .toBeDefined();
    return (await this.#specOf(name)).nodeName ?? '';
  }

  /** Why a pod has no node, once the scheduler has said so. */
  async refusal(name: string): Promise<string> {
    const said = async (): Promise<string> => {
      const status = (await this.#read(name))?.['status'] as PodStatus | undefined;
      return status?.conditions?.find(({ type }) => type === 'PodScheduled')?.message ?? '';
    };
    await expect.poll(said, { timeout: 20_000 }).not.toBe('');
    return await said();
  }

  /** Without the patience for a kubelet that is not there. */
  async remove(which: string): Promise<void> {
    const args = ['delete', 'pods', which, '--force', '--grace-period=0'];
    const { exitCode, stderr } = await this.#cluster.kubectl(args);
    if (exitCode !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove('--all');
    const { api } = this.#cluster;
    for (const name of this.#names) await api.delete(nodeType, ofCluster(name));
    await api.delete(volumeType, ofCluster(this.#volume));
    await this.#cluster[Symbol.asyncDispose]();
  }

  async #makeClaim(): Promise<void> {
    const { api, namespace } = this.#cluster;
    const asked = { accessModes: ['ReadWriteOnce', 'ReadOnlyMany'], storageClassName: '' };
    await api.create(volumeType, {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: ofCluster(this.#volume),
      spec: {
        ...asked,
        capacity: { storage: '1Gi' },
        hostPath: { path: '/nowhere' },
        claimRef: { namespace, name: 'data' },
      },
    });
    await api.create(claims, {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { namespace, name: 'data' },
      spec: {
        ...asked,
        volumeName: this.#volume,
        resources: { requests: { storage: '1Gi' } },
      },
    });
    await expect
      .poll(async () => (await api.get(claims, { namespace, name: 'data' }))?.['status'], {
        timeout: 20_000,
      })
      .toMatchObject({ phase: 'Bound' });
  }

  async #read(name: string): Promise<KubeObject | undefined> {
    return await this.#cluster.api.get(pods, { namespace: this.#cluster.namespace, name });
  }

  async #specOf(name: string): Promise<{ readonly nodeName?: string }> {
    return ((await this.#read(name))?.['spec'] ?? {}) as { readonly nodeName?: string };
  }
}

interface Labelled {
  readonly labels: Readonly<Record<string, string>>;
}

interface PodStatus {
  readonly conditions?: readonly { readonly type: string; readonly message?: string }[];
}

function ofCluster(name: string): { readonly namespace: string; readonly name: string } {
  return { namespace: '', name };
}

function node(name: string): KubeObject {
  const capacity = { cpu: '8', memory: '32Gi', pods: String(room) };
  const labels = { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux' };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { ...ofCluster(name), labels },
    spec: { taints: [taint] },
    status: {
      capacity,
      allocatable: capacity,
      conditions: [{ type: 'Ready', status: 'True', reason: 'SaidByATest', message: '' }],
    },
  };
}

const forOneNode: ClaimFacts = {
  phase: 'Bound',
  accessModes: ['ReadWriteOnce'],
  isDeleting: false,
};
const forMany: ClaimFacts = { ...forOneNode, accessModes: ['ReadOnlyMany'] };

describeOnCluster('pods that read a volume for one node', () => {
  it('come to one node whoever is first, and wait for room there', async () => {
    await using nodes = await Nodes.create();
    // A worker may be there before any coordinator is.
    const home = await nodes.nodeOf(await nodes.place('worker', forOneNode));
    const coordinator = await nodes.place('coordinator', forOneNode);
    const others = [coordinator, await nodes.place('worker', forOneNode)];
    others.push(await nodes.place('worker', forOneNode));
    for (const name of others) expect(await nodes.nodeOf(name)).toBe(home);
    expect(others).toHaveLength(room - 1);

    const waiting = await nodes.place('worker', forOneNode);
    const elsewhere = [
      await nodes.place('gateway', forOneNode),
      await nodes.place('worker', forMany, 'uid-of-a-third'),
      await nodes.place('coordinator', forOneNode, 'uid-of-another'),
    ];
    for (const name of elsewhere) expect(await nodes.nodeOf(name)).not.toBe(home);
    expect(await nodes.refusal(waiting)).toMatch(
      /1 Too many pods.*2 node\(s\) didn't match pod affinity rules/,
    );

    await nodes.remove(coordinator);
    expect(await nodes.nodeOf(waiting)).toBe(home);
  }, 90_000);
});
