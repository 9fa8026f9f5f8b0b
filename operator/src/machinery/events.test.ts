import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/manual-clock.ts';
import { EventRecorder, microTime } from './events.ts';
import type { KubeObject } from './kube-api.ts';

const regarding: KubeObject = {
  apiVersion: 'example.com/v1',
  kind: 'Thing',
  metadata: { namespace: 'team', name: 'thing', uid: 'uid-1' },
};
const note = { regarding, type: 'Normal' as const, reason: 'Ready', note: 'Done.', action: 'Run' };

describe('events', () => {
  it('are written once in ten minutes, however often they are recorded', async () => {
    const clock = new ManualClock();
    const written: KubeObject[] = [];
    const api = {
      create: (_type: unknown, object: KubeObject) => {
        written.push(object);
        return Promise.resolve(object);
      },
    };
    const recorder = new EventRecorder({
      api,
      clock,
      controller: 'test',
      onFailure: () => undefined,
    });

    for (let count = 0; count < 5; count++) await recorder.record(note);
    await recorder.record({ ...note, reason: 'Other' });
    expect(written.length).toBe(2);
    await clock.advance(10 * 60_000);
    await recorder.record(note);

    expect(written.length).toBe(3);
    expect(new Set(written.map(({ metadata }) => metadata.name)).size).toBe(3);
    expect(written[0]).toMatchObject({
      regarding: { uid: 'uid-1' },
      eventTime: microTime(Date.parse('2030-01-01')),
    });
  });

  it('never fail the pass that records them', async () => {
    const failures: unknown[] = [];
    const recorder = new EventRecorder({
      api: { create: () => Promise.reject(new Error('down')) },
      clock: new ManualClock(),
      controller: 'test',
      onFailure: (failure) => failures.push(failure),
    });

    await recorder.record(note);

    expect(failures.length).toBe(1);
  });

  it('have six decimals in their time, since the API refuses three', () => {
    expect(microTime(1_234)).toBe('1970-01-01T00:00:01.234000Z');
  });
});
