import { describe, expect, it } from 'vitest';
import { externalMetrics, kedaService } from '../../../../test/api-services.ts';
import type { KubeObject } from '../../kube-api.ts';
import { chosenBefore, clusterScaling } from './cluster-scaling.ts';
import { chooseDriver, type DriverChoice } from './driver.ts';

const now = Date.parse('2030-01-01T00:00:00Z');

interface Having {
  readonly metrics?: KubeObject;
  readonly keda?: KubeObject;
  readonly hasEndpoint?: boolean;
}

function chosen(
  driver: 'Auto' | 'HPA' | 'KEDA' | 'Direct' | undefined,
  { metrics, keda, hasEndpoint = true }: Having = {},
  name = 'users',
): DriverChoice {
  const cluster = clusterScaling({ externalMetrics: metrics, keda }, { now, hasEndpoint });
  return chooseDriver({ asked: driver === undefined ? undefined : { driver }, name, cluster });
}

const told = ({ driver, reason, isReady }: DriverChoice) => `${driver} ${reason} ${isReady}`;
const ours = { metrics: externalMetrics('Millrace') };
const kedas = { metrics: externalMetrics('KEDA'), keda: kedaService() };
const foreign = { metrics: externalMetrics('Other') };

describe('the driver', () => {
  it.each([
    ['nothing', {}, 'Direct Direct true'],
    ['our metrics API', ours, 'HPA HPA true'],
    ['ours, and KEDA without its own', { ...ours, keda: kedaService() }, 'HPA HPA true'],
    ['that of KEDA', kedas, 'KEDA KEDA true'],
    ['that of KEDA, which is not served', { metrics: kedas.metrics }, 'Direct Direct true'],
    ['that of KEDA, and no URL for it', { ...kedas, hasEndpoint: false }, 'Direct Direct true'],
    ['a foreign one', foreign, 'Direct Direct true'],
  ] as const)('is found by Auto in a cluster with %s', (_what, having, found) => {
    expect(told(chosen('Auto', having))).toBe(found);
    expect(told(chosen(undefined, having)), 'the default').toBe(found);
  });

  it.each([
    ['HPA', {}, 'Direct MetricsUnavailable false'],
    ['HPA', ours, 'HPA HPA true'],
    ['HPA', kedas, 'Direct ExternalMetricsTaken false'],
    ['HPA', foreign, 'Direct ExternalMetricsTaken false'],
    ['KEDA', {}, 'Direct KedaNotInstalled false'],
    ['KEDA', kedas, 'KEDA KEDA true'],
    ['KEDA', { ...kedas, hasEndpoint: false }, 'Direct MetricsUnavailable false'],
    ['KEDA', { ...ours, keda: kedaService() }, 'Direct ExternalMetricsTaken false'],
    ['Direct', ours, 'Direct Direct true'],
    ['Direct', kedas, 'Direct Direct true'],
  ] as const)(
    '%s that was asked for is replaced where the cluster lacks it',
    (asked, having, found) => {
      expect(told(chosen(asked, having))).toBe(found);
    },
  );

  it('names whose the metrics API is, and what to do', () => {
    const { message } = chosen('HPA', foreign);

    expect(message).toContain('monitoring/prometheus-adapter');
    expect(message).toContain('Set spec.scaling.driver');
  });

  it('stays for the minute that an upgrade of our metrics API takes, and is looked at again', () => {
    const since = (seconds: number) => new Date(now - seconds * 1_000).toISOString();
    const away = (seconds: number) => ({
      metrics: externalMetrics('Millrace', { isAvailable: false, since: since(seconds) }),
    });

    expect(chosen('Auto', away(20))).toMatchObject({ driver: 'HPA', lookAgainMs: 40_000 });
    expect(told(chosen('Auto', away(60)))).toBe('Direct MetricsUnavailable false');
    expect(told(chosen('HPA', away(60)))).toBe('Direct MetricsUnavailable false');
  });

  it('is not one that has never answered', () => {
    const since = '2029-01-01T00:00:01Z';
    const metrics = externalMetrics('Millrace', { isAvailable: false, since });

    expect(chosen('Auto', { metrics }).driver).toBe('Direct');
  });

  it('is the operator for a name that no label can hold', () => {
    const name = 'a'.repeat(64);

    expect(told(chosen('Auto', ours, name))).toBe('Direct Direct true');
    expect(told(chosen('HPA', ours, name))).toBe('Direct NameTooLong false');
    expect(told(chosen('HPA', ours, 'a'.repeat(63)))).toBe('HPA HPA true');
  });

  it('is taken to be what it was by whoever may not look', () => {
    const status = { needed: '1000m', at: '', why: '' };
    for (const driver of ['HPA', 'KEDA', 'Direct'] as const) {
      const cluster = chosenBefore({ ...status, driver });

      expect(chooseDriver({ asked: undefined, name: 'users', cluster }).driver).toBe(driver);
    }
  });
});
