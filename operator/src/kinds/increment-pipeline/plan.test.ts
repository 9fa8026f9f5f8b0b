import type { IncrementPipelineSpec } from '@millrace/crds/increment-pipeline';
import { describe, expect, it } from 'vitest';
import {
  careFor,
  heldJanitor,
  observed,
  onRecord,
  pod,
  running,
  stopped,
  withoutGateways,
} from '../../../test/pipeline-observed.ts';
import { backlog, pipelineReport, viewsSpec } from '../../../test/pipeline-world.ts';
import { describe as line, emptyPlan } from '../../machinery/step.ts';
import type { Observed } from './observed.ts';
import { plan } from './plan.ts';
import { stoppingOf } from './stopping.ts';

/** The steps in words, without the reasons. */
function steps(held: Observed, spec: IncrementPipelineSpec = viewsSpec): readonly string[] {
  return plan({ care: careFor(spec, held), observed: held }).steps.map(
    (step) => line(step).split(':')[0] ?? '',
  );
}

const suspended = { ...viewsSpec, suspend: true };
const empty = pipelineReport({ members: { gateways: 0, workers: 1 } });
const deleted = { isDeleting: true } as const;
const purge = { ...viewsSpec, deletionPolicy: 'Purge' as const };
const releases = 'let IncrementPipeline/views go from millrace.dev/drain';

describe('a plan', () => {
  it('holds the resource before it starts anything, and starts workers before gateways', () => {
    expect(steps(observed({ isHeld: false }))).toEqual([
      'hold IncrementPipeline/views by millrace.dev/drain',
      'apply ConfigMap/views-config',
      'apply Deployment/views-worker',
      'scale Deployment/views-worker to 1',
      'apply Deployment/views-gateway',
      'scale Deployment/views-gateway to 2',
      'apply Service/views-gateway',
    ]);
  });

  it('puts its finalizer beside those of others, against the version it saw', () => {
    const held = observed({ isHeld: false });
    const [step] = plan({ care: careFor(viewsSpec, held), observed: held }).steps;

    expect(step).toMatchObject({ op: 'finalizer', uid: held.owner.uid, resourceVersion: '9' });
  });

  it('is empty without any valid spec, and for a deleted resource that nothing holds', () => {
    const gone = observed({ isDeleting: true, isHeld: false });

    expect(plan({ care: undefined, observed: observed() })).toEqual(emptyPlan);
    expect(plan({ care: careFor(viewsSpec, gone), observed: gone })).toEqual(emptyPlan);
  });

  it('neither starts nor holds while the Secret is missing, and says what it waits for', () => {
    const held = observed({ isHeld: false, secretKeys: () => undefined });

    expect(steps(held)).toEqual([
      'apply ConfigMap/views-config',
      'apply Service/views-gateway',
      'wait for Secret millrace-backends with the keys POSTGRES_URL, REDIS_URL',
      'wait for Secret millrace-backends with the keys POSTGRES_URL, REDIS_URL',
    ]);
  });

  it('needs the tokens of a gateway that asks for them', () => {
    const spec = { ...viewsSpec, gateway: { auth: { mode: 'Tokens' as const } } };

    expect(steps(observed(), spec).at(-1)).toContain('with the keys TOKENS too');
  });

  it('makes children that do not hold it back: they are needed until it has drained', () => {
    const held = observed();
    const owners = plan({ care: careFor(viewsSpec, held), observed: held }).steps.flatMap((step) =>
      step.op === 'apply' ? (step.object.metadata.ownerReferences ?? []) : [],
    );

    expect(owners.length).toBe(4);
    expect(owners.every(({ blockOwnerDeletion }) => blockOwnerDeletion === false)).toBe(true);
  });

  it('changes nothing of what runs as asked', () => {
    expect(steps(running())).toEqual([
      'apply ConfigMap/views-config',
      'apply Deployment/views-worker',
      'apply Deployment/views-gateway',
      'apply Service/views-gateway',
    ]);
  });
});

describe('a plan for a suspended pipeline', () => {
  it('starts nothing where nothing was started', () => {
    expect(steps(observed({ isHeld: false }), suspended)).toEqual([
      'apply ConfigMap/views-config',
      'apply Deployment/views-worker',
      'scale Deployment/views-worker to 0',
      'apply Deployment/views-gateway',
      'scale Deployment/views-gateway to 0',
      'apply Service/views-gateway',
    ]);
  });

  it('stops the gateways first', () => {
    const scales = steps(running(), suspended).filter((step) => step.startsWith('scale'));

    expect(scales).toEqual(['scale Deployment/views-gateway to 0']);
  });

  it.each([
    ['the report is from before the last gateway had gone', { progress: empty }],
    [
      'entries are left',
      { isReportFinal: true, progress: pipelineReport({ backlog: backlog(1) }) },
    ],
    ['a gateway is alive', { isReportFinal: true, progress: pipelineReport() }],
    [
      'a backend could not be seen',
      {
        isReportFinal: true,
        progress: { ...empty, backends: [{ name: 'redis' as const, ok: false }] },
      },
    ],
    ['the pod waits', { isReportFinal: true, progress: { ...empty, state: 'Waiting' as const } }],
    ['nobody has reported', { progress: undefined, isRemembered: true }],
    ['all is proven and not on record', { isReportFinal: true, progress: empty }],
    ['the record is of an earlier stop', { status: onRecord('Drained', 0) }],
  ])('keeps the workers while %s', (_while, change) => {
    const scales = steps(withoutGateways(change), suspended).filter((step) =>
      step.includes('scale'),
    );

    expect(scales).toEqual([]);
  });

  it.each([
    ['restarted', { exitCode: 137, hasEnded: false }],
    ['told to stop', { isTerminating: true }],
  ])('does not take a gateway for gone that is being %s', (_how, change) => {
    const { children } = withoutGateways();
    const gateways = [pod('gateway-1', { isReady: false, ...change })];
    const held = running({
      children,
      pods: { ...running().pods, gateways },
      isReportFinal: true,
      progress: empty,
    });

    expect(stoppingOf(suspended, held)).toBe('GatewaysStopping');
  });

  it('takes a gateway for gone that its node evicted, and one whose pod is not there any more', () => {
    const evicted = pod('gateway-1', { isReady: false, exitCode: 137, hasEnded: true });
    const held = withoutGateways({ pods: { ...running().pods, gateways: [evicted] } });

    expect(stoppingOf(suspended, held)).toBe('Emptying');
    expect(stoppingOf(suspended, withoutGateways())).toBe('Emptying');
  });

  it('waits a moment for the proof to be on record, then stops the workers', () => {
    const proven = withoutGateways({ isReportFinal: true, progress: empty });
    const recorded = withoutGateways({ status: onRecord('WorkersStopping') });

    expect(steps(proven, suspended).at(-1)).toMatch(/^wait for the proof/);
    expect(steps(recorded, suspended)).toContain('scale Deployment/views-worker to 0');
  });

  it('leaves workers that have stopped alone, in whichever generation the proof was found', () => {
    for (const generation of [1, 0]) {
      const held = stopped({ status: onRecord('Drained', generation), progress: undefined });

      expect(steps(held, suspended).filter((step) => step.includes('scale'))).toEqual([]);
    }
  });

  it('brings workers back that were stopped by somebody who had no proof', () => {
    expect(steps(stopped(), suspended)).toContain('scale Deployment/views-worker to 1');
  });
});

describe('a plan for a deleted pipeline', () => {
  it('drains as with suspend and keeps what is not needed any more', () => {
    const held = running(deleted);

    expect(steps(held)).toEqual([
      'apply ConfigMap/views-config',
      'apply Deployment/views-worker',
      'apply Deployment/views-gateway',
      'scale Deployment/views-gateway to 0',
    ]);
    const { keep } = plan({ care: careFor(viewsSpec, held), observed: held });
    expect(keep.map(({ type, ref }) => `${type.kind}/${ref.name}`)).toContain(
      'Service/views-gateway',
    );
  });

  it('starts the janitor only when nothing runs any more, and lets go only when it has ended', () => {
    const status = onRecord('Drained');
    const { children } = stopped();
    const janitor = (end?: 'Complete' | 'Failed') =>
      steps(
        stopped({ ...deleted, status, children: { ...children, janitor: heldJanitor(end) } }),
      ).at(-1);

    expect(steps(withoutGateways({ ...deleted, status }))).not.toContain('apply Job/views-janitor');
    expect(steps(stopped({ ...deleted, status })).at(-1)).toBe('apply Job/views-janitor');
    expect(janitor()).toBe('wait for the janitor to end');
    expect(janitor('Failed')).toBe('wait for the janitor to end');
    expect(janitor('Complete')).toBe(releases);
  });

  it('leaves the finalizers of others in place', () => {
    const children = { ...stopped().children, janitor: heldJanitor('Complete') };
    const held = stopped({ ...deleted, status: onRecord('Drained'), children });
    const step = plan({ care: careFor(viewsSpec, held), observed: held }).steps.at(-1);

    expect(step).toMatchObject({ present: ['example.com/other', 'millrace.dev/drain'] });
  });

  it('stops all at once when it is purged, whatever is in flight, and tells the janitor', () => {
    const busy = running({ ...deleted, progress: pipelineReport({ backlog: backlog(9) }) });
    const idle = stopped(deleted);
    const janitor = plan({ care: careFor(purge, idle), observed: idle }).steps.at(-1);

    expect(steps(busy, purge)).toContain('scale Deployment/views-worker to 0');
    expect(steps(busy, purge)).toContain('scale Deployment/views-gateway to 0');
    expect(steps(withoutGateways(deleted), purge)).not.toContain('apply Job/views-janitor');
    expect(JSON.stringify(janitor)).toContain(
      '{"name":"MILLRACE_DELETION_POLICY","value":"Purge"}',
    );
  });
});
