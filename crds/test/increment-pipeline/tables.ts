import { incrementPipelineKind } from '../../src/increment-pipeline.ts';
import type { KindTables } from '../kind-tables.ts';
import { acceptedChanges, acceptedSpecs } from './accepted.ts';
import { refusedChanges } from './refused-changes.ts';
import { refusedCounting } from './refused-counting.ts';
import { refusedServing } from './refused-serving.ts';

export const incrementPipelineTables: KindTables = {
  kind: incrementPipelineKind,
  accepted: acceptedSpecs,
  refused: [...refusedCounting, ...refusedServing],
  acceptedChanges,
  refusedChanges,
  vocabulary:
    'increments others _ Fsync Memory None Tokens Key 1s 8s 100ms 5s 10m 24h 1m 999ms 1Mi 256Mi Purge'.split(
      ' ',
    ),
};
