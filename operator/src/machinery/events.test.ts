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

function recorded(fail?: Error) {
  const clock = new ManualClock();
  const created: KubeObject[] = [];
  const patched: { readonly name: string; readonly patch: object }[] = [];
  const failures: unknown[] = [];
  const recorder = new EventRecorder({
    api: {
      create: (_type, object) => {
        created.push(object);
        return fail === undefined ? Promise.resolve(object) : Promise.reject(fail);
      },
      patch: (_type, { name }, patch) => {
        patched.push({ name, patch });
        return Promise.resolve(regarding);
      },
    },
    clock,
    controller: 'test',
    onFailure: (failure) => failures.push(failure),
  });
  return { clock, created, patched, failures, recorder };
}

describe('events', () => {
  it('are written once in ten minutes, and then counted in the series of the first', async () => {
    const { clock, created, patched, recorder } = recorded();

    for (let count = 0; count < 5; count++) await recorder.record(note);
    await recorder.record({ ...note, reason: 'Other' });
    await clock.advance(10 * 60_000);
    await recorder.record(note);

    expect(created.length).toBe(2);
    expect(created[0]).toMatchObject({
      regarding: { uid: 'uid-1' },
      eventTime: microTime(Date.parse('2030-01-01')),
    });
    const series = { count: 6, lastObservedTime: microTime(clock.now()) };
    expect(patched).toEqual([{ name: created[0]?.metadata.name, patch: { series } }]);
  });

  it('begin anew where the server has forgotten the first of the series', async () => {
    const { clock, created, patched, recorder } = recorded();

    await recorder.record(note);
    await clock.advance(60 * 60_000);
    await recorder.record(note);

    expect([created.length, patched.length]).toEqual([2, 0]);
    expect(created[0]?.metadata.name).not.toBe(created[1]?.metadata.name);
  });

  it('about one object, and about all together, are bounded in number', async () => {
    const { clock, created, failures, recorder } = recorded();
    const about = (uid: string, reason: string) => ({
      ...note,
      reason,
      regarding: { ...regarding, metadata: { ...regarding.metadata, uid } },
    });

    for (let each = 0; each < 20; each++) await recorder.record(about('uid-1', `Reason${each}`));
    const ofOne = created.length;
    for (let each = 0; each < 500; each++) await recorder.record(about(`uid-${each}`, 'Down'));
    const ofAll = created.length;
    await clock.advance(60_000);
    await recorder.record(about('uid-1', 'Later'));

    expect([ofOne, ofAll, created.length]).toEqual([10, 100, 101]);
    expect(failures[0]).toMatchObject({ code: 'EventsLimited' });
  });

  it('never fail the pass that records them', async () => {
    const { failures, recorder } = recorded(new Error('down'));

    await recorder.record(note);

    expect(failures.length).toBe(1);
  });

  it('have six decimals in their time, since the API refuses three', () => {
    expect(microTime(1_234)).toBe('1970-01-01T00:00:01.234000Z');
  });
});
