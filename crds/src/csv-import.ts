/**
 * CsvImport: the contract between its users, the operator and its pods. The door of the folder of
 * the same name, which holds the spec, the status, the pods' configuration, the progress they report
 * and the chunk message.
 *
 * It has no scale subresource: a number of workers is no wish of the user, who gives bounds
 * (`spec.workers`); the operator writes the number to the worker Deployment's own one.
 */
import { defineKind } from './define-kind.ts';
import { printerColumns } from './printer-columns.ts';
import { spec } from './csv-import/spec.ts';
import { status } from './csv-import/status.ts';

export { chunkMessage, type ChunkMessage } from './csv-import/chunk-message.ts';
export { podConfig, type CsvImportPodConfig } from './csv-import/pod-config.ts';
export { progress, totals, type CsvImportProgress, type Totals } from './csv-import/progress.ts';
export { type ColumnSpec } from './csv-import/column.ts';
export { format, type FormatSpec } from './csv-import/format.ts';
export { spec, type CsvImportSpec } from './csv-import/spec.ts';
export { status, type CsvImportStatus } from './csv-import/status.ts';

export const csvImportKind = defineKind({
  kind: 'CsvImport',
  plural: 'csvimports',
  singular: 'csvimport',
  shortName: 'csvi',
  slug: 'csv-import',
  description: 'One import of one CSV into one Postgres table, each record counted exactly once.',
  spec,
  status,
  printerColumns: printerColumns([
    {
      name: 'Workers',
      type: 'integer',
      jsonPath: '.status.workers.ready',
      description: 'Ready workers.',
    },
    {
      name: 'Wanted',
      type: 'integer',
      jsonPath: '.status.workers.wanted',
      description: 'Workers wanted now.',
    },
    {
      name: 'Progress',
      type: 'integer',
      jsonPath: '.status.percent',
      description: 'Percent of the source committed.',
    },
    {
      name: 'Rejected',
      type: 'integer',
      jsonPath: '.status.totals.rejected',
      description: 'Rejected records.',
    },
  ]),
  selectableFields: [
    '.spec.backends.secretName',
    '.spec.source.volume.claimName',
    '.spec.target.table',
  ],
});
