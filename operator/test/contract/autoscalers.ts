/** That an autoscaler as we ask for it is taken, is not written twice, and goes by its uid alone. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { KubeApi } from '../../src/machinery/kube-api.ts';
import {
  hasTolerance,
  horizontalPodAutoscaler,
} from '../../src/machinery/workload/scaling/autoscalers.ts';
import { autoscalers, name, type MakeTarget } from './target.ts';

export function autoscalersContract(makeTarget: MakeTarget): void {
  describe('an autoscaler', () => {
    let api: KubeApi;
    let namespace: string;
    const wanted = () =>
      horizontalPodAutoscaler({
        kind: { kind: 'CsvImport', plural: 'csvimports' },
        namespace,
        name: 'users',
        metadata: { namespace, name },
        bounds: { min: 0, max: 8 },
      });
    const apply = async () => await api.apply(autoscalers, wanted(), { fieldManager: 'one' });

    beforeEach(async () => {
      ({ api, namespace } = await makeTarget());
    });

    test('is taken as it is asked for, with its tolerance, and asking again changes nothing', async () => {
      const made = await apply();
      const again = await apply();

      expect(hasTolerance(made)).toBe(true);
      expect(made['spec']).toMatchObject({ minReplicas: 1, maxReplicas: 8 });
      expect(again.metadata.resourceVersion).toBe(made.metadata.resourceVersion);
    });

    test('goes by its uid, whatever its version is by now', async () => {
      const { metadata } = await apply();
      await api.patch(autoscalers, { namespace, name }, { spec: { maxReplicas: 9 } });

      const other = api.delete(autoscalers, { namespace, name }, { uid: 'another' });
      await expect(other).rejects.toMatchObject({ reason: 'Conflict' });
      const { uid = '' } = metadata;
      expect(await api.delete(autoscalers, { namespace, name }, { uid })).toBe(true);
    });
  });
}
