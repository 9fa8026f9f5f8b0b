/**
 * The import that `helm test` makes, and what it has to come to. Small on purpose: it asks whether
 * operator, images, rights, volume and backends work together, not how fast.
 */
import type { CsvImportSpec } from '@millrace/crds/csv-import';
import { apiVersion } from '@millrace/crds/define-kind';
import type { KubeObject, ObjectRef, ResourceType } from '../machinery/kube-api.ts';

export const rows = 100;
export const imports: ResourceType = { apiVersion, kind: 'CsvImport', plural: 'csvimports' };

export interface TestImport extends ObjectRef {
  readonly claimName: string;
  readonly path: string;
  readonly secretName: string;
}

/** Loads into a table of its own, the same in every run: nothing of the user's is touched. */
export function importOf(wanted: TestImport): KubeObject {
  const { namespace, name, claimName, path, secretName } = wanted;
  const spec: CsvImportSpec = {
    source: { volume: { claimName, path } },
    columns: [
      { name: 'id', type: 'bigint' },
      { name: 'name', type: 'text' },
    ],
    target: { table: 'millrace_chart_test', key: ['id'] },
    rejects: { maxRows: 0 },
    workers: { min: 0, max: 1 },
    backends: { secretName },
  };
  const labels = { 'app.kubernetes.io/part-of': 'millrace', 'app.kubernetes.io/component': 'test' };
  return {
    apiVersion: imports.apiVersion,
    kind: imports.kind,
    metadata: { namespace, name, labels },
    spec,
  };
}
