import { expect, it } from 'vitest';
import { ManualClock } from '../../test/manual-clock.ts';
import { describeOnCluster, realNamespace } from '../../test/real-cluster.ts';
import { EventRecorder, eventType, microTime } from './events.ts';
import type { ResourceType } from './kube-api.ts';

const configMaps: ResourceType = { apiVersion: 'v1', kind: 'ConfigMap', plural: 'configmaps' };

describeOnCluster('events on a real API server', () => {
  it('are accepted, and counted in the series of the first when they repeat', async () => {
    await using cluster = await realNamespace();
    const { api, namespace } = cluster;
    const clock = new ManualClock();
    const failures: unknown[] = [];
    const recorder = new EventRecorder({
      api,
      clock,
      controller: 'millrace.dev/test',
      onFailure: (failure) => failures.push(failure),
    });
    const metadata = { namespace, name: 'thing' };
    const regarding = await api.create(configMaps, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata,
    });
    const note = {
      regarding,
      type: 'Normal',
      reason: 'Ready',
      note: 'Done.',
      action: 'Run',
    } as const;

    await recorder.record(note);
    await clock.advance(11 * 60_000);
    await recorder.record(note);

    expect(failures).toEqual([]);
    const { items } = await api.list(eventType, { namespace });
    const ours = items.filter((event) => event['reason'] === 'Ready');
    expect(ours).toMatchObject([
      { note: 'Done.', series: { count: 2, lastObservedTime: microTime(clock.now()) } },
    ]);
  });
});
