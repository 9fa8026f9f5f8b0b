import { kinds } from '@millrace/crds';
import { customResourceDefinition } from '@millrace/crds/crd-yaml';
import { createMetrics } from '@millrace/kit/metrics';
import { describe, expect, it } from 'vitest';
import { capturedLog } from '../../test/captured-log.ts';
import { ManualClock, turns } from '../../test/manual-clock.ts';
import type { KubeObject } from '../machinery/kube-api.ts';
import { KubeFailure } from '../machinery/kube-failure.ts';
import { definitionsServed } from './definitions.ts';

const [kind] = kinds;
const served = customResourceDefinition(kind) as unknown as KubeObject;

function changed(change: (text: string) => string): KubeObject {
  return JSON.parse(change(JSON.stringify(served))) as KubeObject;
}

function start(
  answer: () => KubeObject | undefined,
  resource: () => KubeObject | undefined = () => undefined,
) {
  const clock = new ManualClock();
  const metrics = createMetrics({});
  const { log, lines } = capturedLog('debug');
  const waitedFor: string[] = [];
  const stop = new AbortController();
  const done = definitionsServed({
    api: {
      get: async ({ plural }) => {
        await turns(1);
        return plural === kind.plural ? resource() : answer();
      },
    },
    kinds: [kind],
    namespace: 'team',
    clock,
    log,
    metrics,
    onWaiting: (reason) => waitedFor.push(reason),
    signal: stop.signal,
  });
  return { clock, metrics, lines, waitedFor, stop, done };
}

describe('the definitions on the API server', () => {
  it('are taken without a word when they are ours', async () => {
    const { done, lines, metrics } = start(() => served);

    await done;

    expect(lines()).toEqual([]);
    expect(await metrics.metrics()).toContain(
      'millrace_operator_definition_outdated{kind="csv-import"} 0',
    );
  });

  it('are taken when they are newer than the operator', async () => {
    const { done, lines } = start(() =>
      changed((text) => text.replace('"claimName":', '"alsoNew":{"type":"string"},"claimName":')),
    );

    await done;

    expect(lines()).toEqual([]);
  });

  it('are waited for while missing: said once, with the command, and gone on by itself', async () => {
    let answer: KubeObject | undefined = undefined as KubeObject | undefined;
    const { done, lines, waitedFor, clock } = start(() => answer);

    await clock.advance(60_000);
    answer = served;
    await clock.advance(10_000);
    await done;

    const reason = expect.stringContaining('kubectl apply -f crds/csv-import.yaml');
    expect(waitedFor.length).toBeGreaterThan(3);
    expect(waitedFor[0]).toEqual(reason);
    expect(lines()).toMatchObject([
      { level: 'error', msg: 'waiting', why: reason },
      { level: 'info', msg: 'definition is served, going on' },
    ]);
  });

  it('that do not serve our version count as missing', async () => {
    const { waitedFor, stop, done, clock } = start(() =>
      changed((text) => text.replace('"served":true', '"served":false')),
    );

    await clock.advance(100);
    stop.abort();
    await done;

    expect(waitedFor[0]).toContain('does not serve v1alpha1');
  });

  it('that are older than the operator are a warning that names what is lost', async () => {
    const { done, lines, metrics } = start(() =>
      changed((text) => text.replace('"waiting":', '"waited":')),
    );

    await done;

    expect(lines()).toMatchObject([
      { level: 'warn', kind: 'csv-import', lacks: ['status.waiting'], gaps: 1 },
    ]);
    expect(await metrics.metrics()).toContain(
      'millrace_operator_definition_outdated{kind="csv-import"} 1',
    );
  });

  it('that may not be read are skipped with one line for the curious', async () => {
    const { done, lines } = start(() => {
      throw new KubeFailure('Forbidden', 'no');
    });

    await done;

    expect(lines()).toMatchObject([{ level: 'debug' }]);
  });

  it('that may not be read and do not exist are waited for all the same', async () => {
    let isServed = false;
    const { done, waitedFor, clock } = start(
      () => {
        throw new KubeFailure('Forbidden', 'no');
      },
      () => {
        if (!isServed) throw new KubeFailure('NotFound', 'the server could not find the resource');
        return undefined;
      },
    );

    await clock.advance(30_000);
    isServed = true;
    await clock.advance(10_000);
    await done;

    expect(waitedFor[0]).toContain('kubectl apply -f crds/csv-import.yaml');
  });

  it('are asked for again and again while the API server is away', async () => {
    let isAway = true;
    const { done, lines, waitedFor, clock } = start(() => {
      if (isAway) throw new KubeFailure('Unavailable', 'connection refused');
      return served;
    });

    await clock.advance(300_000);
    isAway = false;
    await clock.advance(10_000);
    await done;

    expect(waitedFor.length).toBeGreaterThan(20);
    expect(lines()).toHaveLength(2);
  });

  it('refuse credentials that are not accepted, since waiting would not help', async () => {
    const { done } = start(() => {
      throw new KubeFailure('Unauthorized', 'who?');
    });

    await expect(done).rejects.toMatchObject({ code: 'BadConfiguration' });
  });
});
