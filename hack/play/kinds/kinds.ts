/** Every kind's part in play; one that has none yet is run by its condition Ready alone. */
import type { KubeObject } from '@millrace/operator/machinery/kube-api';
import { anyKind } from './any-kind.ts';
import { csvImport } from './csv-import.ts';
import { incrementPipeline } from './increment-pipeline.ts';
import type { PlayKind } from './play-kind.ts';

const kinds: Readonly<Record<string, PlayKind>> = {
  CsvImport: csvImport,
  IncrementPipeline: incrementPipeline,
};

export function playKindOf({ kind }: Pick<KubeObject, 'kind'>): PlayKind {
  return kinds[kind] ?? anyKind;
}
