/** CsvImport’s door: what the operator and the command line need of it. */
import { csvImportKind } from '@millrace/crds/csv-import';
import type { OperatorKind } from '../../machinery/kind.ts';
import { csvImportController } from './controller.ts';
import { csvImportPreview } from './preview.ts';

export const csvImport: OperatorKind = {
  slug: csvImportKind.slug,
  controller: csvImportController,
  preview: csvImportPreview,
};
