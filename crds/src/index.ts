/** The ordered list of kinds that the generator, the registries and the tests iterate. */
import { csvImportKind } from './csv-import.ts';

export const kinds = [csvImportKind] as const;
