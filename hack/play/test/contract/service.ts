/** What operators see of the controllers behind a Service: where it leads. */
import { describe, expect, it } from 'vitest';

import { asPod, podType, serviceType, type Pod } from '../../controllers/workload.ts';

import {
  eventually,
  name,
  podSpec,
  Scene,
  type ControllersTarget,
  type MakeTarget,
} from './target.ts';

/** One port by the name that its container gives it, one by number. */
const spec = {
  selector: { app: name },
  ports: [
    { name: 'web', port: 80, targetPort: 'http' },
    { name: 'admin', port: 90, targetPort: 9_000 },
  ],
};

interface Wish {
  readonly own: string;
  readonly app?: string;
  readonly port?: { readonly name: string; readonly containerPort: number };
}

async function makePod(target: ControllersTarget, wish: Wish): Promise<Pod> {
  const { own, app = name, port = { name: 'http', containerPort: 8_080 } } = wish;
  const main = { name: 'main', image: 'registry.example/main:1', ports: [port] };
  const made = await target.api.create(podType, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: own, namespace: target.namespace, labels: { app } },
    spec: podSpec(target, { containers: [main] }),
  });
  return asPod(made);
}

async function leadsTo(target: ControllersTarget, expected: readonly string[]): Promise<void> {
  let found: readonly string[] = [];
  await eventually('the Service leads where it should', async () => {
    found = await target.endpoints(name);
    return JSON.stringify(found) === JSON.stringify(expected) || undefined;
  }).catch((cause: unknown) => {
    throw new Error(`the Service leads to ${found.join(', ')}`, { cause });
  });
}

const both = ['10.1.0.1:8080', '10.1.0.1:9000'];

export function serviceContract(makeTarget: MakeTarget): void {
  describe.concurrent('a Service', () => {
    it('leads to ready pods that match, by the name and by the number of a port', async () => {
      await using target = await makeTarget();
      const scene = new Scene(target, serviceType);
      const [ready, starting, other] = [
        await makePod(target, { own: 'ready' }),
        await makePod(target, { own: 'starting' }),
        await makePod(target, { own: 'other', app: 'other' }),
      ];
      await scene.runs(starting, { podIP: '10.1.0.2', isReady: false });
      await scene.runs(other, { podIP: '10.1.0.3' });
      await scene.runs(ready);

      await scene.apply(spec);

      await leadsTo(target, both);
    });

    it('follows a pod as it becomes ready and is no longer', async () => {
      await using target = await makeTarget();
      const scene = new Scene(target, serviceType);
      await scene.apply(spec);
      const pod = await makePod(target, { own: 'pod' });
      expect(await target.endpoints(name)).toEqual([]);

      await scene.runs(pod);
      await leadsTo(target, both);
      await scene.runs(pod, { isReady: false });
      await leadsTo(target, []);
      await scene.runs(pod);
      await leadsTo(target, both);
    });

    it('leaves out a pod that is told to end, although it still answers', async () => {
      await using target = await makeTarget();
      const scene = new Scene(target, serviceType);
      await scene.apply(spec);
      const pod = await makePod(target, { own: 'pod' });
      await scene.holds(pod);
      await scene.runs(pod);
      await leadsTo(target, both);

      await scene.deletes(pod);

      await leadsTo(target, []);
      await scene.drained(pod);
    });

    it('leaves out a pod that has ended', async () => {
      await using target = await makeTarget();
      const scene = new Scene(target, serviceType);
      await scene.apply(spec);
      const pod = await makePod(target, { own: 'pod' });
      await scene.runs(pod);
      await leadsTo(target, both);

      await scene.ends(pod, 1);

      await leadsTo(target, []);
    });

    it('leads to the port of each pod that has that name, and past those that have none', async () => {
      await using target = await makeTarget();
      const scene = new Scene(target, serviceType);
      await scene.apply({ ...spec, ports: [{ port: 80, targetPort: 'http' }] });
      const pods = [
        await makePod(target, { own: 'first' }),
        await makePod(target, { own: 'second', port: { name: 'http', containerPort: 8_181 } }),
        await makePod(target, { own: 'third', port: { name: 'grpc', containerPort: 9_090 } }),
      ];

      for (const [index, pod] of pods.entries()) {
        await scene.runs(pod, { podIP: `10.1.0.${String(index + 1)}` });
      }

      await leadsTo(target, ['10.1.0.1:8080', '10.1.0.2:8181']);
    });
  });
}
