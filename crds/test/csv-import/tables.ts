import { csvImportKind } from '../../src/csv-import.ts';
import type { KindTables } from '../kind-tables.ts';
import { acceptedChanges, acceptedSpecs } from './accepted.ts';
import { refusedChanges } from './refused-changes.ts';
import { refusedLoading } from './refused-loading.ts';
import { refusedReading } from './refused-reading.ts';
import { refusedSealing } from './refused-sealing.ts';
import { refusedServing } from './refused-serving.ts';

export const csvImportTables: KindTables = {
  kind: csvImportKind,
  accepted: acceptedSpecs,
  refused: [...refusedReading, ...refusedLoading, ...refusedSealing, ...refusedServing],
  acceptedChanges,
  refusedChanges,
  vocabulary:
    'id first_name last_name limit _millrace_pos users_rejects Off text RFC3339 yyyy-MM-dd , # ../up /root'.split(
      ' ',
    ),
};
