/** The kinds this operator reconciles, one line a kind. */
import { csvImportController } from './kinds/csv-import/controller.ts';

export const controllers = [csvImportController] as const;
