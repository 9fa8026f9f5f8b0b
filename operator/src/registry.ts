/** The kinds this operator knows, one line each. */
import { incrementPipeline } from './kinds/increment-pipeline/index.ts';
import { csvImport } from './kinds/csv-import/index.ts';
import type { OperatorKind } from './machinery/kind.ts';

export const operatorKinds: readonly OperatorKind[] = [csvImport, incrementPipeline];

export const previews = operatorKinds.map(({ preview }) => preview);
