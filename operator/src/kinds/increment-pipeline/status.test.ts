import {
  status as statusSchema,
  type IncrementPipelineProgress,
  type IncrementPipelineStatus,
} from '@millrace/crds/increment-pipeline';
import { Compile } from 'typebox/compile';
import { describe, expect, it } from 'vitest';
import {
  heldDeployment,
  heldJanitor,
  observed,
  onRecord,
  pod,
  running,
  situation,
  stopped,
  withoutGateways,
} from '../../../test/pipeline-observed.ts';
import { backlog, pipelineReport, viewsSpec } from '../../../test/pipeline-world.ts';
import { conditionOf } from '../../machinery/conditions.ts';
import type { Observed } from './observed.ts';
import { hasTransition, status, type StatusInput } from './status.ts';

const check = Compile(statusSchema);

function statusOf(
  held: Observed,
  { spec = viewsSpec, ...change }: Partial<StatusInput> & { readonly spec?: typeof viewsSpec } = {},
): IncrementPipelineStatus {
  const made = status(situation(spec, held, change));
  expect([...check.Errors(made)]).toEqual([]);
  return made;
}

/** `Type=Status/Reason` of all conditions. */
function told({ conditions = [] }: IncrementPipelineStatus): readonly string[] {
  return conditions.map(({ type, status: is, reason }) => `${type}=${is}/${reason}`);
}

function message(made: IncrementPipelineStatus, type: string): string {
  return conditionOf(made.conditions, type)?.message ?? '';
}

const reporting = (change: Partial<IncrementPipelineProgress>) =>
  running({ progress: pipelineReport(change) });
const away = { name: 'postgres' as const, ok: false, reason: 'ConnectionRefused' };
const noReady = {
  ...running().children,
  gateway: heldDeployment('gateway', { replicas: 2, ready: 0 }),
  worker: heldDeployment('worker', { replicas: 1, ready: 0 }),
};
const suspended = { ...viewsSpec, suspend: true };

describe('the conditions of a pipeline', () => {
  it('are all well while it runs as asked', () => {
    expect(told(statusOf(running()))).toEqual([
      'AutoscalingReady=True/Direct',
      'BackendsReady=True/Connected',
      'Degraded=False/AsAsked',
      'Draining=False/NotDraining',
      'Ready=True/Accepting',
      'Reconciling=False/Settled',
      'Stale=False/Fresh',
      'Stalled=False/NotStalled',
    ]);
  });

  it('claim nothing that nobody has reported', () => {
    expect(told(statusOf(observed({ isHeld: false })))).toEqual([
      'AutoscalingReady=True/Direct',
      'BackendsReady=Unknown/NotReported',
      'Degraded=True/PodsMissing',
      'Draining=False/NotDraining',
      'Ready=False/GatewayNotReady',
      'Reconciling=True/GatewayNotReady',
      'Stale=Unknown/NotReported',
      'Stalled=False/NotStalled',
    ]);
  });

  it.each([
    [
      'a lost Secret',
      running({ secretKeys: () => undefined }),
      'BackendsReady=False/SecretNotFound',
    ],
    ['a lost Secret', running({ secretKeys: () => undefined }), 'Ready=False/SecretNotFound'],
    ['a backend away', reporting({ backends: [away] }), 'BackendsReady=False/ConnectionRefused'],
    [
      'a backend away and no pod ready',
      running({ children: noReady, progress: pipelineReport({ backends: [away] }) }),
      'Ready=False/ConnectionRefused',
    ],
    ['old sums', reporting({ stalenessMs: 8_000 }), 'Stale=True/NotCommitted'],
    ['sums that are just young enough', reporting({ stalenessMs: 7_999 }), 'Stale=False/Fresh'],
    [
      'lost increments',
      reporting({ totals: { ...pipelineReport().totals, lost: 1 } }),
      'Degraded=True/IncrementsLost',
    ],
    [
      'dead letters',
      reporting({ totals: { ...pipelineReport().totals, deadLetters: 1 } }),
      'Degraded=True/DeadLetters',
    ],
    [
      'a Redis that forgets',
      reporting({ durability: { ok: false, message: 'Set appendfsync to always.' } }),
      'Degraded=True/DurabilityNotMet',
    ],
    [
      'a Redis that forgets, and gateways that refuse',
      running({ children: noReady, progress: pipelineReport({ durability: { ok: false } }) }),
      'Ready=False/DurabilityNotMet',
    ],
    [
      'one gateway less than asked for',
      running({
        children: {
          ...running().children,
          gateway: heldDeployment('gateway', { replicas: 2, ready: 1 }),
        },
      }),
      'Degraded=True/PodsMissing',
    ],
    [
      'one gateway less than asked for',
      running({
        children: {
          ...running().children,
          gateway: heldDeployment('gateway', { replicas: 2, ready: 1 }),
        },
      }),
      'Ready=True/Accepting',
    ],
    [
      'an image that cannot be pulled',
      running({
        children: noReady,
        pods: {
          gateways: [pod('gateway-1', { isReady: false, pendingReason: 'ImagePullBackOff' })],
          workers: [],
          janitors: [],
        },
      }),
      'Ready=False/PodPending',
    ],
  ])('tell of %s', (_of, held, claim) => {
    expect(told(statusOf(held))).toContain(claim);
  });

  it('need a person when the runtime says that it will never work, with its own words', () => {
    const words = { message: 'Column value of table increments is integer: make it bigint.' };
    const worker = pod('worker-1', { isReady: false, lastExit: { exitCode: 65, words } });
    const children = { ...running().children, worker: noReady.worker };
    const made = statusOf(running({ children, pods: { ...running().pods, workers: [worker] } }));

    expect(told(made)).toContain('Stalled=True/BadInput');
    expect(message(made, 'Ready')).toContain('make it bigint');
  });

  it('say of crashes that will be retried where to look', () => {
    const worker = pod('worker-1', {
      isReady: false,
      lastExit: { exitCode: 70, words: undefined },
    });
    const children = { ...running().children, worker: noReady.worker };
    const made = statusOf(running({ children, pods: { ...running().pods, workers: [worker] } }));

    expect(told(made)).toContain('Ready=False/PodsCrashing');
    expect(told(made)).toContain('Stalled=False/NotStalled');
    expect(message(made, 'Ready')).toMatch(/Pod\/views-worker-1 .*70.*log/);
  });

  it('remind of what was asked for and may have been forgotten', () => {
    const memory = statusOf(running(), { spec: { ...viewsSpec, durability: 'Memory' } });
    const vouched = statusOf(running(), { spec: { ...viewsSpec, durabilityVouched: true } });

    expect(message(memory, 'Degraded')).toContain('a crash of Redis loses');
    expect(message(vouched, 'Degraded')).toContain('vouched for and not checked');
  });

  it('hold no number that moves', () => {
    const texts = (progress: IncrementPipelineProgress) =>
      statusOf(running({ progress })).conditions?.map((held) => held.message);
    const moved = pipelineReport({
      backlog: backlog(17),
      stalenessMs: 2_345,
      totals: { ...pipelineReport().totals, accepted: 987_654, committed: 987_500, deadLetters: 3 },
    });
    const further = pipelineReport({
      backlog: backlog(3),
      stalenessMs: 1_234,
      totals: { ...pipelineReport().totals, accepted: 999_999, committed: 999_000, deadLetters: 4 },
    });

    expect(texts(further)).toEqual(texts(moved));
  });

  it('put what is wrong with the spec first, and name it', () => {
    const problem = { reason: 'InvalidSpec' as const, message: 'spec.flush.interval is wrong.' };
    const made = statusOf(running(), { obstacle: problem });

    expect(told(made)).toContain('Ready=False/InvalidSpec');
    expect(told(made)).toContain('Reconciling=False/Stalled');
    expect(made.waiting?.[0]).toMatchObject({ what: 'a valid spec' });
  });
});

describe('the way to a stop', () => {
  const empty = pipelineReport({ members: { gateways: 0, workers: 1 } });
  const left = pipelineReport({ backlog: backlog(5), members: { gateways: 0, workers: 1 } });

  it.each([
    ['GatewaysStopping', 'True', running()],
    ['Emptying', 'True', withoutGateways({ progress: left })],
    ['WorkersStopping', 'True', withoutGateways({ progress: empty, isReportFinal: true })],
    ['WorkersStopping', 'True', withoutGateways({ status: onRecord('WorkersStopping') })],
    ['Drained', 'False', stopped({ status: onRecord('WorkersStopping') })],
    ['NeverStarted', 'False', observed({ isHeld: false })],
  ])('says %s', (reason, is, held) => {
    expect(told(statusOf(held, { spec: suspended }))).toContain(`Draining=${is}/${reason}`);
  });

  it('ends with the proof, and with what brings it back', () => {
    const made = statusOf(stopped({ status: onRecord('Drained') }), { spec: suspended });

    expect(message(made, 'Draining')).toMatch(
      /after the last gateway had gone.*no entry was left/i,
    );
    expect(told(made)).toContain('Ready=False/Suspended');
    expect(told(made)).toContain('Reconciling=False/Suspended');
    expect(made.waiting).toMatchObject([{ what: 'spec.suspend to be removed' }]);
  });

  it('names what keeps it from its end, and what taking the finalizer away would cost', () => {
    const silent = withoutGateways({
      isDeleting: true,
      progress: pipelineReport({ backends: [away] }),
    });
    const made = statusOf(silent);

    expect(message(made, 'Draining')).toMatch(/postgres: ConnectionRefused.*millrace\.dev\/drain/s);
    expect(message(made, 'Ready')).toBe(message(made, 'Draining'));
    expect(made.waiting?.map(({ what }) => what)).toEqual([
      'postgres to answer',
      'workers to commit what is in flight',
    ]);
  });

  it('needs a person when the janitor has given up, and says how to go on', () => {
    const children = { ...stopped().children, janitor: heldJanitor('Failed') };
    const held = stopped({ isDeleting: true, status: onRecord('CleaningUp'), children });
    const made = statusOf(held);

    expect(told(made)).toContain('Stalled=True/JanitorFailed');
    expect(told(made)).toContain('Draining=True/CleaningUp');
    expect(message(made, 'Stalled')).toContain('Delete the Job');
  });

  it('says why its janitor does not start, or has to try again', () => {
    const held = { isDeleting: true, status: onRecord('CleaningUp') };
    const children = { ...stopped().children, janitor: heldJanitor() };
    const janitors = [pod('janitor-1', { exitCode: 1, hasEnded: true, isReady: false })];
    const waiting = statusOf(stopped({ ...held, secretKeys: () => undefined }));
    const trying = statusOf(stopped({ ...held, children, pods: { ...stopped().pods, janitors } }));

    expect(message(waiting, 'Draining')).toContain('Secret millrace-backends does not exist');
    expect(message(trying, 'Draining')).toContain('a pod of it has failed');
  });

  it('cannot begin without a spec to go by, and says so', () => {
    const problem = { reason: 'InvalidSpec' as const, message: 'spec.target is missing.' };
    const held = running({ isDeleting: true });
    const made = status({ ...situation(viewsSpec, held), care: undefined, obstacle: problem });

    expect(told(made)).toContain('Draining=True/SpecNotValid');
    expect(told(made)).toContain('Stalled=True/InvalidSpec');
  });

  it('does not take a purge for a proof', () => {
    const spec = { ...viewsSpec, deletionPolicy: 'Purge' as const };

    expect(told(statusOf(stopped({ isDeleting: true }), { spec }))).toContain(
      'Draining=True/Purging',
    );
  });
});

describe('what a pipeline waits for', () => {
  it.each([
    [
      'every gateway to be ready',
      running({ children: noReady, pods: { ...running().pods, gateways: [] } }),
    ],
    [
      'a worker’s pod to be ready: ImagePullBackOff',
      running({
        children: noReady,
        pods: {
          ...running().pods,
          workers: [pod('worker-1', { isReady: false, pendingReason: 'ImagePullBackOff' })],
        },
      }),
    ],
    ['Redis to be as durable as spec.durability asks', reporting({ durability: { ok: false } })],
    ['redis to answer', reporting({ backends: [{ ...away, name: 'redis' }] })],
    [
      'Secret millrace-backends with the keys REDIS_URL too',
      observed({ isHeld: false, secretKeys: () => ['POSTGRES_URL'] }),
    ],
  ])('is %s', (what, held) => {
    expect(statusOf(held).waiting?.map((wait) => wait.what)).toContain(what);
  });

  it('is nothing while all is well, and the end of the pause while it is paused', () => {
    expect(statusOf(running()).waiting).toBeUndefined();
    expect(statusOf(running({ children: noReady }), { isPaused: true }).waiting).toMatchObject([
      { what: 'spec.paused to be removed', object: 'IncrementPipeline/views' },
    ]);
  });
});

describe('a status', () => {
  it('is worth a write at once for what happened, and not for what moved', () => {
    const before = statusOf(running());
    const moved = statusOf(
      reporting({
        rates: { acceptedPerSecond: 5 },
        totals: { ...pipelineReport().totals, accepted: 101 },
      }),
    );

    expect(hasTransition(undefined, before)).toBe(true);
    expect(hasTransition(before, moved)).toBe(false);
    expect(hasTransition(before, statusOf(reporting({ stalenessMs: 9_000 })))).toBe(true);
  });

  it('shows how many workers are wanted and how that was found', () => {
    const rates = {
      acceptedPerSecond: 2_000,
      committedPerSecond: 2_000,
      perWorkerPerSecond: 1_000,
    };
    const made = statusOf(reporting({ rates, backlog: backlog(500) }));

    expect(made.workers).toEqual({ wanted: 3, ready: 1 });
    expect(made.recommendation).toMatchObject({
      wanted: 3,
      inputs: { arrivalPerSecond: 2_000, usefulMax: 4, objectiveSeconds: 8, present: 1 },
    });
  });
});
