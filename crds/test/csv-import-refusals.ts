/**
 * Wrong specs of a CsvImport, as merge patches of the example, and all that is said of each, in
 * memory and by a real server.
 */
import { refusedLoading } from './csv-import/refused-loading.ts';
import { refusedReading } from './csv-import/refused-reading.ts';
import type { Refusal } from './refusal.ts';

export { refusedChanges } from './csv-import/refused-changes.ts';

export const csvImportRefusals: readonly Refusal[] = [...refusedReading, ...refusedLoading];
