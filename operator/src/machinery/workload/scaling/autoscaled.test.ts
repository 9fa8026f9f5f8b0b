import type { ScalingDriver } from '@millrace/crds/scaling';
import { describe, expect, it } from 'vitest';
import type { KubeObject, ResourceType } from '../../kube-api.ts';
import { describe as told } from '../../step.ts';
import { replicasAnnotation } from '../names.ts';
import { autoscalers, deployments, scaledObjects } from '../resource-types.ts';
import { autoscaled, type Autoscaled } from './autoscaled.ts';

const owner = { namespace: 'team', name: 'users', uid: 'uid-of-users' };
const name = 'users-worker';

interface Rest {
  readonly spec?: object;
  readonly deletionTimestamp?: string;
}

function object(
  type: ResourceType,
  { deletionTimestamp: at, ...rest }: Rest = {},
  controller = owner.uid,
): KubeObject {
  const { apiVersion, kind } = type;
  const reference = { apiVersion: 'millrace.dev/v1alpha1', kind: 'CsvImport', name: 'users' };
  return {
    apiVersion,
    kind,
    metadata: {
      namespace: owner.namespace,
      name,
      uid: `uid-of-${kind}`,
      annotations: { [replicasAnnotation]: 'true' },
      ownerReferences: [{ ...reference, uid: controller, controller: true }],
      ...(at === undefined ? {} : { deletionTimestamp: at }),
    },
    ...rest,
  };
}

interface Now {
  readonly driver: ScalingDriver;
  readonly replicas?: number;
  readonly present?: number;
  readonly hpa?: KubeObject;
  readonly scaledObject?: KubeObject;
  readonly isToRest?: boolean;
}

/** One line a step of the plan. */
function steps(now: Now, change: Partial<Autoscaled> = {}): readonly string[] {
  const { steps: planned } = autoscaled(asked(now, change));
  return planned.map((step) => told(step).replaceAll(/: .*/g, '').replaceAll(`/${name}`, ''));
}

function asked(now: Now, change: Partial<Autoscaled> = {}): Autoscaled {
  const { driver, replicas = 3, present = 2, hpa: held, scaledObject: keda } = now;
  const type = driver === 'KEDA' ? scaledObjects : autoscalers;
  return {
    owner,
    name,
    held: object(deployments, { spec: { replicas: present } }),
    object: () => object(deployments),
    replicas,
    isGuess: false,
    reason: 'three are enough',
    missing: undefined,
    driver,
    bounds: { min: 0, max: 8 },
    autoscalers: { hpa: held, scaledObject: keda },
    autoscaler: driver === 'Direct' ? undefined : object(type, { spec: {} }),
    isToRest: now.isToRest ?? false,
    ...change,
  };
}

const hpa = object(autoscalers);
const scaledObject = object(scaledObjects);
const deletionTimestamp = '2030-01-01T00:00:00Z';

describe('workers that are scaled', () => {
  it('by the operator get the number that is wanted', () => {
    expect(steps({ driver: 'Direct' })).toEqual(['apply Deployment', 'scale Deployment to 3']);
  });

  it.each([
    ['HPA', 'HorizontalPodAutoscaler'],
    ['KEDA', 'ScaledObject'],
  ] as const)('by %s keep the number that they have', (driver, kind) => {
    expect(steps({ driver })).toEqual(['apply Deployment', `apply ${kind}`]);
    expect(steps({ driver, present: 9 })).toEqual(['apply Deployment', `apply ${kind}`]);
  });

  it('by an autoscaler are brought from 0 to the least by the operator', () => {
    const bounds = { min: 2, max: 8 };
    const least = (now: Now) => steps(now, { bounds }).filter((line) => line.startsWith('scale'));

    expect(least({ driver: 'HPA', present: 0, hpa })).toEqual(['scale Deployment to 2']);
    expect(least({ driver: 'KEDA', present: 0 })).toEqual(['scale Deployment to 2']);
  });

  it('are brought to 0 by the operator; HPA is left there for more work, and KEDA goes', () => {
    expect(steps({ driver: 'HPA', replicas: 0, hpa })).toEqual([
      'apply Deployment',
      'scale Deployment to 0',
      'apply HorizontalPodAutoscaler',
    ]);
    expect(steps({ driver: 'KEDA', replicas: 0, scaledObject })).toEqual([
      'apply Deployment',
      'scale Deployment to 0',
      'delete ScaledObject',
    ]);
  });

  it('rest at 0 without anything that could bring them back', () => {
    expect(steps({ driver: 'HPA', replicas: 0, isToRest: true, hpa })).toEqual([
      'apply Deployment',
      'scale Deployment to 0',
      'delete HorizontalPodAutoscaler',
    ]);
  });

  it('change hands in two passes: who had them goes, and the number stays until then', () => {
    expect(steps({ driver: 'Direct', hpa })).toEqual([
      'apply Deployment',
      'delete HorizontalPodAutoscaler',
    ]);
    expect(steps({ driver: 'KEDA', hpa })).toEqual([
      'apply Deployment',
      'delete HorizontalPodAutoscaler',
    ]);
    expect(steps({ driver: 'HPA', scaledObject })).toEqual([
      'apply Deployment',
      'delete ScaledObject',
    ]);
  });

  it('do not wait for a ScaledObject that nobody is left to let go', () => {
    const going = object(scaledObjects, { deletionTimestamp });

    expect(steps({ driver: 'Direct', scaledObject: going })).toContain('scale Deployment to 3');
  });

  it('are taken over at the number that is there, whatever the cache believes', () => {
    const held = object(deployments, { spec: { replicas: 2 } });
    const fresh = { ...held, metadata: { ...held.metadata, annotations: {} } };
    const [first] = autoscaled(asked({ driver: 'HPA' }, { held: fresh })).steps;

    expect(first).toMatchObject({ op: 'scale', replicas: 2, isAsFound: true });
  });

  it('leave an autoscaler of somebody else alone', () => {
    const foreign = object(autoscalers, {}, 'uid-of-another');

    expect(steps({ driver: 'Direct', hpa: foreign })).toEqual([
      'apply Deployment',
      'scale Deployment to 3',
    ]);
  });

  it('are waited for before they are made, and then nothing scales them', () => {
    const missing = { what: 'Secret millrace-backends', object: 'Secret/millrace-backends' };

    expect(steps({ driver: 'HPA' }, { held: undefined, missing })).toEqual([
      'wait for Secret millrace-backends',
    ]);
  });
});
