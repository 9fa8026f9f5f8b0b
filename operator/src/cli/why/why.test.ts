import { describe, expect, it } from 'vitest';
import { commandLine, type CommandLine } from '../../../test/command-line.ts';
import {
  ImportCluster,
  namespace,
  report,
  users,
  usersSpec,
} from '../../../test/import-cluster.ts';
import { csvImports } from '../../kinds/csv-import/resource-types.ts';
import { configMaps, pods } from '../../machinery/workload/resource-types.ts';
import { eventType, microTime } from '../../machinery/events.ts';
import type { KubeApi, ResourceType } from '../../machinery/kube-api.ts';
import { KubeFailure } from '../../machinery/kube-failure.ts';

const leases: ResourceType = {
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  plural: 'leases',
};
const minuteMs = 60_000;

async function lineTo(cluster: ImportCluster, api: KubeApi = cluster.api): Promise<CommandLine> {
  return await commandLine({ api, namespace, now: () => cluster.clock.now() });
}

/** Renewed so long ago, by somebody or, after a release, by nobody. */
async function lease(
  cluster: ImportCluster,
  agoMs: number,
  holder = 'operator-7c9',
): Promise<void> {
  await cluster.api.create(leases, {
    apiVersion: leases.apiVersion,
    kind: leases.kind,
    metadata: { namespace: 'millrace-system', name: 'millrace-operator' },
    spec: {
      holderIdentity: holder,
      leaseDurationSeconds: 15,
      renewTime: microTime(cluster.clock.now() - agoMs),
    },
  });
}

async function why(cluster: ImportCluster, ...args: readonly string[]): Promise<string> {
  await using line = await lineTo(cluster);
  const { stdout, stderr } = await line.run('why', 'csvi/users', ...args);
  return stdout + stderr;
}

/** A pod of the import, in a state that only a kubelet could write. */
async function podWith(cluster: ImportCluster, name: string, status: object): Promise<void> {
  const uid = (await cluster.read(csvImports, 'users'))?.metadata.uid ?? '';
  await cluster.api.create(pods, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace, name, labels: { 'millrace.dev/uid': uid } },
    spec: { containers: [{ name: 'worker', image: 'runtimes:1' }], nodeName: 'node-1' },
  });
  await cluster.setStatus(pods, name, status);
}

describe('millrace why', () => {
  it('names what is missing, on what object, since when, and when it is looked at again', async () => {
    await using cluster = await ImportCluster.create({ secret: undefined });
    await cluster.clock.advance(3 * minuteMs);
    await lease(cluster, 2_000);

    expect(await why(cluster)).toMatchInlineSnapshot(`
      "CsvImport team/users waits (SecretNotFound); not ready for 3 min.
        Secret millrace-backends does not exist. Create it with the keys POSTGRES_URL, RABBITMQ_URL; nothing starts before.

        1. It waits for Secret millrace-backends with the keys POSTGRES_URL, RABBITMQ_URL.
           since 3 min; looked at again as soon as it changes

      Workers: the operator scales them; 0 are needed since 3 min: the coordinator has not reported yet.
      Operator: operator-7c9 leads (Lease millrace-system/millrace-operator, renewed 2 s ago).
      "
    `);
  });

  it('puts the trouble of a pod under what hangs on it', async () => {
    await using cluster = await ImportCluster.create();
    const pod = await cluster.runCoordinator();
    await cluster.setStatus(pods, pod, {
      phase: 'Pending',
      conditions: [{ type: 'PodScheduled', status: 'True' }],
      containerStatuses: [
        {
          name: 'coordinator',
          image: 'nowhere.example/runtimes:1',
          state: { waiting: { reason: 'ImagePullBackOff', message: 'no such host' } },
        },
      ],
    });
    await cluster.settle();
    await cluster.clock.advance(5 * minuteMs);
    await cluster.settle();
    await lease(cluster, 1_000);

    expect(await why(cluster)).toMatchInlineSnapshot(`
      "CsvImport team/users waits (CoordinatorPending); not ready for 5 min.
        Pod/users-coordinator-1 of the coordinator does not start (ImagePullBackOff). Its image cannot be pulled: check the image, and the pull secrets. Its events say more.

        1. It waits for the coordinator’s pod to run: ImagePullBackOff.
           on Pod/users-coordinator-1, since 5 min; looked at again as soon as it changes
           ← Pod users-coordinator-1 cannot pull its image nowhere.example/runtimes:1 (ImagePullBackOff): no such host.
             since 5 min; correct the image or the pull secret; the kubelet tries again by itself, at least every 5 min

      Workers: the operator scales them; 0 are needed since 5 min: the coordinator has not reported yet.
      Operator: operator-7c9 leads (Lease millrace-system/millrace-operator, renewed 1 s ago).
      "
    `);
  });

  it('says first that no operator is at work, since nothing else matters then', async () => {
    await using cluster = await ImportCluster.create({ secret: undefined });
    await cluster.stopOperator();
    await lease(cluster, 5 * minuteMs);
    await cluster.changeSpec({ workers: { min: 1, max: 2 } });

    expect(await why(cluster)).toMatchInlineSnapshot(`
      "CsvImport team/users was changed and not worked on yet.

        1. No operator is at work: operator-7c9 stopped renewing its Lease. Nothing changes until one leads.
           on Lease/millrace-system/millrace-operator, since 5 min; look for its pods and their logs: kubectl get pods -A | grep millrace-operator

        2. The operator has not worked on the last change yet: it saw generation 1, this is 2.
           since 0 s; not looked at before an operator is at work

        3. It waits for Secret millrace-backends with the keys POSTGRES_URL, RABBITMQ_URL.
           since 0 s; not looked at before an operator is at work

      Workers: the operator scales them; 0 are needed since 0 s: the coordinator has not reported yet.
      Operator: none leads. operator-7c9 held the Lease millrace-system/millrace-operator last (renewed 5 min ago).
      "
    `);
  });

  it('knows an operator that was stopped from one that died', async () => {
    await using cluster = await ImportCluster.create({ secret: undefined });
    await lease(cluster, 5 * minuteMs, '');

    expect(await why(cluster)).toContain('1. No operator is at work: the last one stopped.');
  });

  it('does not take what was said of an earlier generation for an answer', async () => {
    await using cluster = await ImportCluster.create();
    await cluster.stopOperator();
    await cluster.clock.advance(minuteMs);
    await cluster.changeSpec({ suspend: true });
    await cluster.clock.advance(minuteMs);

    const said = await why(cluster);

    expect(said).toContain('CsvImport team/users was changed and not worked on yet.');
    expect(said).toContain('it saw generation 1, this is 2.');
    expect(said).toContain('start the operator; if it runs, look at its log');
  });

  it('says who must act where nothing is tried again', async () => {
    await using cluster = new ImportCluster();
    await cluster.given({});
    await cluster.api.create(configMaps, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { namespace, name: 'users-config' },
    });
    await cluster.startOperator();
    await cluster.settle();
    await lease(cluster, 0);

    expect(await why(cluster)).toMatchInlineSnapshot(`
      "CsvImport team/users is stalled: it needs a person (NameTaken); not ready for 0 s.

        1. ConfigMap team/users-config exists and was not made by Millrace. Rename or delete it, or rename this resource.
           on ConfigMap/users-config, since 0 s; looked at again every 30 s at the latest

      Workers: the operator scales them; 0 are needed since 0 s: the coordinator has not reported yet.
      Operator: operator-7c9 leads (Lease millrace-system/millrace-operator, renewed 0 s ago).
      "
    `);
  });

  it('says of a healthy one that it is', async () => {
    await using cluster = await ImportCluster.create({
      spec: { ...usersSpec, serve: { enabled: false } },
    });
    const pod = await cluster.runCoordinator();
    await cluster.endCoordinator(pod, {
      exitCode: 0,
      message: JSON.stringify(report({ state: 'Complete' })),
    });
    await cluster.clock.advance(2 * 60 * minuteMs);
    await cluster.settle();
    await lease(cluster, 0);

    expect(await why(cluster)).toMatchInlineSnapshot(`
      "CsvImport team/users is ready (Complete), since 2 h.
        The import is complete.

      Workers: the operator scales them; 0 are needed since 2 h: there is nothing left to load.
      Operator: operator-7c9 leads (Lease millrace-system/millrace-operator, renewed 0 s ago).
      "
    `);
  });

  it('groups pods that have the same trouble, and tells what only events say', async () => {
    await using cluster = await ImportCluster.create();
    await cluster.clock.advance(minuteMs);
    const crashing = {
      phase: 'Running',
      containerStatuses: [
        {
          name: 'worker',
          restartCount: 4,
          state: { waiting: { reason: 'CrashLoopBackOff' } },
          lastState: { terminated: { exitCode: 70, finishedAt: microTime(cluster.clock.now()) } },
        },
      ],
    };
    await podWith(cluster, 'users-worker-1', crashing);
    await podWith(cluster, 'users-worker-2', crashing);
    const job = await cluster.read(
      { apiVersion: 'batch/v1', kind: 'Job', plural: 'jobs' },
      'users-coordinator',
    );
    await cluster.api.create(eventType, {
      apiVersion: eventType.apiVersion,
      kind: 'Event',
      metadata: { namespace, name: 'one' },
      type: 'Warning',
      reason: 'FailedCreate',
      note: 'exceeded quota\n\u001b[31mpods=10',
      action: 'Create',
      reportingController: 'job-controller',
      reportingInstance: 'job-controller',
      eventTime: microTime(cluster.clock.now()),
      regarding: { kind: 'Job', name: 'users-coordinator', namespace, uid: job?.metadata.uid },
    });

    const said = await why(cluster);

    expect(said).toContain(
      '2 Pods (users-worker-1, users-worker-2), each ends again and again, 4 times by now; the last time it ended with exit code 70: a bug of Millrace; its log has the stack.',
    );
    expect(said).toContain('Job/users-coordinator: FailedCreate: exceeded quota ·[31mpods=10');
  });

  it('does not put every pod under what hangs on the resource itself', async () => {
    await using cluster = await ImportCluster.create();
    await cluster.changeSpec({ suspend: true });
    await cluster.clock.advance(minuteMs);
    await podWith(cluster, 'users-gateway-1', { phase: 'Pending' });
    await cluster.clock.advance(minuteMs);

    const said = await why(cluster);

    expect(said).toContain('1. It waits for spec.suspend to be removed.');
    expect(said).toContain('2. Pod users-gateway-1 was given to node node-1');
  });

  it('leaves out what the person may not read, and says so', async () => {
    await using cluster = await ImportCluster.create({ secret: undefined });
    const { api } = cluster;
    const hidden = new Set(['pods', 'events', 'leases']);
    const refuse = (plural: string): void => {
      if (hidden.has(plural)) throw new KubeFailure('Forbidden', `${plural} is forbidden`);
    };
    const few: KubeApi = Object.assign(Object.create(api) as KubeApi, {
      get: async (...args: Parameters<KubeApi['get']>) => {
        refuse(args[0].plural);
        return await api.get(...args);
      },
      list: async (...args: Parameters<KubeApi['list']>) => {
        refuse(args[0].plural);
        return await api.list(...args);
      },
    });
    await using line = await lineTo(cluster, few);

    const { stdout, exitCode } = await line.run('why', 'csvi/users');

    expect(stdout).toContain('1. It waits for Secret millrace-backends');
    expect(stdout).toContain('you may not look at Leases');
    expect(stdout).toContain('Not looked at, for lack of permission: pods, events.');
    expect(exitCode).toBe(0);
  });

  it('gives all of it as JSON', async () => {
    await using cluster = await ImportCluster.create({ secret: undefined });
    await lease(cluster, 0);

    const said: unknown = JSON.parse(await why(cluster, '-o', 'json'));

    expect(said).toMatchObject({
      kind: 'CsvImport',
      namespace,
      name: 'users',
      state: 'waiting',
      reason: 'SecretNotFound',
      causes: [{ object: 'Secret/millrace-backends', because: [] }],
      leader: { state: 'led', holder: 'operator-7c9' },
      unseen: [],
    });
  });

  it.each(['csvimport', 'CsvImport', 'csvimports', 'CSVI', 'csvimports.millrace.dev'])(
    'takes %s for the kind',
    async (kind) => {
      await using cluster = await ImportCluster.create();
      await using line = await lineTo(cluster);

      expect((await line.run('why', `${kind}/users`)).exitCode).toBe(0);
    },
  );

  it.each([
    ['an unknown kind', 'pod/users', 'name a resource as csvimport/<name>', 64],
    ['a name alone', 'users', 'name a resource as csvimport/<name>', 64],
    [
      'a name that is not there',
      'csvi/other',
      'no csvimport other in namespace team: there is users',
      65,
    ],
  ])('refuses %s', async (_, name, message, code) => {
    await using cluster = await ImportCluster.create();
    await using line = await lineTo(cluster);

    const { stderr, stdout, exitCode } = await line.run('why', name);

    expect(stderr).toContain(message);
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: code });
  });

  it.each<[string, KubeFailure, string, number]>([
    [
      'does not know the definition',
      new KubeFailure('NotFound', 'the server could not find it'),
      'kubectl apply --server-side -f crds/csv-import.yaml',
      65,
    ],
    [
      'forbids it',
      new KubeFailure('Forbidden', 'User "eve" cannot list'),
      'Ask for the permission',
      64,
    ],
    [
      'does not know the person',
      new KubeFailure('Unauthorized', 'Unauthorized'),
      'Log in again',
      64,
    ],
    ['is away', new KubeFailure('Unavailable', 'connection refused'), 'kubectl cluster-info', 75],
  ])('says what to do when the server %s', async (_, failure, remedy, code) => {
    await using cluster = new ImportCluster();
    const api: KubeApi = Object.assign(Object.create(cluster.api) as KubeApi, {
      get: () => Promise.resolve(undefined),
      list: () => Promise.reject(failure),
    });
    await using line = await lineTo(cluster, api);

    const { stderr, exitCode } = await line.run('why', `csvi/${users.name}`);

    expect(stderr).toContain(remedy);
    expect(exitCode).toBe(code);
  });
});
