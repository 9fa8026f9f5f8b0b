import { describe, expect, test } from 'vitest';
import type { KubeObject } from '@millrace/operator/machinery/kube-api';
import { decideApply, movedFields, type ApplyDecision } from './apply.ts';
import { completeEnd, readyEnd } from './outcome.ts';

const spec = {
  source: { volume: { path: 'a.csv' } },
  target: { table: 'a' },
  rejects: { maxRows: 1 },
};

function resource(changes: object = {}, conditions: readonly object[] = []): KubeObject {
  return {
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'CsvImport',
    metadata: { name: 'a', namespace: 'default', generation: 2 },
    spec: { ...spec, ...changes },
    status: { conditions },
  };
}

const holds = (type: string, reason: string) => ({
  type,
  status: 'True',
  reason,
  message: '',
  observedGeneration: 2,
});
const complete = [holds('Complete', 'Complete')];
const tooMany = [holds('Failed', 'TooManyRejects'), holds('Stalled', 'TooManyRejects')];
const missing = [holds('Failed', 'SourceMissing')];
const moved = { target: { table: 'b' } };
const raised = { rejects: { maxRows: 100 } };

const rows: readonly [string, KubeObject | undefined, object, ApplyDecision][] = [
  ['nothing is there', undefined, {}, 'create'],
  ['the same is unfinished', resource(), {}, 'resume'],
  ['a changed one is unfinished', resource(), { workers: { max: 3 } }, 'update'],
  ['another source or target is asked of an unfinished one', resource(), moved, 'refuse'],
  [
    'a field that is fixed is added to an unfinished one',
    resource(),
    { chunkBytes: 1024 },
    'refuse',
  ],
  ['it is Complete', resource({}, complete), {}, 'runAgain'],
  ['it is Complete and another target is asked', resource({}, complete), moved, 'runAgain'],
  ['it has failed', resource({}, missing), {}, 'runAgain'],
  ['it has failed of rejects and nothing was raised', resource({}, tooMany), {}, 'runAgain'],
  ['it has failed of rejects and they were raised', resource({}, tooMany), raised, 'update'],
  [
    'it has failed of rejects, raised, with another target',
    resource({}, tooMany),
    { ...raised, ...moved },
    'runAgain',
  ],
];

test.each(rows)('when %s', (_when, existing, changes, decision) => {
  expect(decideApply(existing, resource(changes))).toBe(decision);
});

test('names the fields that stand in the way', () => {
  expect(movedFields(resource(), resource({ ...moved, chunkBytes: 1024 }))).toEqual([
    'spec.target',
    'spec.chunkBytes',
  ]);
});

test('a failure that an earlier generation had is no end of this one', () => {
  const old = { ...holds('Failed', 'TooManyRejects'), observedGeneration: 1 };

  expect(completeEnd(resource({}, [old]))).toBeUndefined();
  expect(completeEnd(resource({}, tooMany))).toMatchObject({
    isWell: false,
    reason: 'TooManyRejects',
  });
});

describe('a service', () => {
  const service = (changes: object = {}, conditions: readonly object[] = []): KubeObject => ({
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'IncrementPipeline',
    metadata: { name: 'a', namespace: 'default', generation: 2 },
    spec: { target: { table: 'a' }, ...changes },
    status: { conditions },
  });
  const ready = [holds('Ready', 'Running')];

  test('goes on as it is however it stands: it has nothing to run again', () => {
    expect(decideApply(service({}, ready), service())).toBe('resume');
    expect(decideApply(service({}, [holds('Stalled', 'TargetMismatch')]), service())).toBe(
      'resume',
    );
  });

  test('is changed where that may be, and refused where it may not', () => {
    expect(decideApply(service({}, ready), service({ workers: { max: 3 } }))).toBe('update');
    expect(decideApply(service({}, ready), service({ partitions: 4 }))).toBe('refuse');
    expect(movedFields(service(), service({ partitions: 4 }))).toEqual(['spec.partitions']);
  });

  test('is what was wanted when it rests because its manifest says so', () => {
    const resting = [{ ...holds('Ready', 'Suspended'), status: 'False' }];

    expect(readyEnd(service({ suspend: true }, resting))).toMatchObject({ isWell: true });
    expect(readyEnd(service({}, resting))).toBeUndefined();
  });

  test('is what was wanted once this generation is Ready, and never if it is Stalled', () => {
    const old = { ...holds('Ready', 'Running'), observedGeneration: 1 };

    expect(readyEnd(service({}, ready))).toMatchObject({ isWell: true });
    expect(readyEnd(service({}, [old]))).toBeUndefined();
    expect(readyEnd(service({}, [holds('Stalled', 'TargetMismatch')]))).toMatchObject({
      isWell: false,
      reason: 'TargetMismatch',
    });
  });
});
