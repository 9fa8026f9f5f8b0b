/** The runtimes of this image, one line each; `main.ts` picks one by its slug. */
import { incrementPipeline } from './increment-pipeline/index.ts';
import { csvImport } from './csv-import/index.ts';
import type { Runtime } from './runtime.ts';

export const runtimes: Readonly<Record<string, Runtime>> = {
  'csv-import': csvImport,
  'increment-pipeline': incrementPipeline,
};
