import { describe, expect, it } from 'vitest';
import {
  heldDeployment,
  now,
  observed,
  onRecord,
  running,
  stopped,
} from '../../../test/pipeline-observed.ts';
import { pipelineReport, viewsSpec } from '../../../test/pipeline-world.ts';
import type { Observed } from './observed.ts';
import { workersWanted } from './scaling.ts';
import { stoppingOf } from './stopping.ts';

function wanted(held: Observed, spec = viewsSpec) {
  return workersWanted({ spec, observed: held, stopping: stoppingOf(spec, held), now });
}

function present(replicas: number): Observed['children'] {
  return { ...running().children, worker: heldDeployment('worker', { replicas, ready: replicas }) };
}

const busy = { acceptedPerSecond: 2_000, committedPerSecond: 2_000, perWorkerPerSecond: 1_000 };
const recommendation = { wanted: 1, why: 'earlier', bounds: [], inputs: {} };

describe('the number of workers', () => {
  it('begins with the fewest', () => {
    expect(wanted(observed()).replicas).toBe(1);
  });

  it.each([
    [0, 1],
    [2, 2],
    [9, 3],
  ])('stays as it is, %i within the bounds, until this process has heard a report', (is, stays) => {
    const status = {
      ...onRecord('NotDraining'),
      progress: pipelineReport({ rates: busy }),
      recommendation,
    };
    const held = observed({
      children: present(is),
      status,
      progress: status.progress,
      isRemembered: true,
    });

    expect(wanted(held).replicas).toBe(stays);
  });

  it('follows the load within the bounds', () => {
    const held = running({ progress: pipelineReport({ rates: busy }) });

    expect(wanted(held).replicas).toBe(3);
    expect(wanted(held, { ...viewsSpec, workers: { min: 1, max: 2 } }).replicas).toBe(2);
  });

  it('does not fall at once because an earlier process wrote less down than it did', () => {
    const status = { ...onRecord('NotDraining'), recommendation };
    const held = running({ children: present(3), status });

    expect(wanted(held).replicas).toBe(3);
  });

  it('does not rise for an age that no worker can help while a backend is away', () => {
    const old = { stalenessMs: 60_000, rates: {} };
    const backends = [{ name: 'postgres' as const, ok: false }];

    expect(wanted(running({ progress: pipelineReport({ ...old, backends }) })).replicas).toBe(1);
  });

  it('is none once everything is committed', () => {
    const held = stopped({ status: onRecord('Drained') });

    expect(wanted(held, { ...viewsSpec, suspend: true }).replicas).toBe(0);
  });
});
