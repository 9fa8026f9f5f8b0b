/** Pods in the states that controllers tell apart, for their tables. */
import type { Pod, PodCondition, PodStatus } from '../controllers/workload.ts';

export interface PodSketch {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly ready?: boolean;
  readonly phase?: PodStatus['phase'];
  readonly exitCode?: number;
  readonly finishedAt?: string;
  readonly isTerminating?: boolean;
  readonly conditions?: readonly PodCondition[];
  readonly createdAt?: string;
  readonly port?: number;
}

export function pod(sketch: PodSketch): Pod {
  const { name, labels = {}, phase = 'Running', exitCode } = sketch;
  const finishedAt = sketch.finishedAt ?? '2026-01-01T00:00:00.000Z';
  const reason = exitCode === 0 ? 'Completed' : 'Error';
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'default',
      uid: `uid-of-${name}`,
      labels,
      creationTimestamp: sketch.createdAt ?? '2026-01-01T00:00:00Z',
      ...(sketch.isTerminating === true ? { deletionTimestamp: '2026-01-01T00:00:01Z' } : {}),
    },
    spec: {
      containers: [
        { name: 'main', ports: [{ name: 'http', containerPort: sketch.port ?? 8_080 }] },
      ],
    },
    status: {
      phase,
      podIP: '127.0.0.1',
      conditions: [
        { type: 'Ready', status: sketch.ready === true ? 'True' : 'False' },
        ...(sketch.conditions ?? []),
      ],
      containerStatuses: [
        {
          name: 'main',
          ready: sketch.ready === true,
          restartCount: 0,
          state: exitCode === undefined ? {} : { terminated: { exitCode, reason, finishedAt } },
        },
      ],
    },
  };
}
