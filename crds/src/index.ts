/** The ordered list of kinds that the generator, the registries and the tests iterate. */
import { incrementPipelineKind } from './increment-pipeline.ts';
import { csvImportKind } from './csv-import.ts';

export const kinds = [csvImportKind, incrementPipelineKind] as const;
