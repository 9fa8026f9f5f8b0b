/** The kinds this operator knows, one line each. */
import { csvImport } from './kinds/csv-import/index.ts';
import type { OperatorKind } from './machinery/kind.ts';

export const operatorKinds: readonly OperatorKind[] = [csvImport];

export const previews = operatorKinds.map(({ preview }) => preview);
