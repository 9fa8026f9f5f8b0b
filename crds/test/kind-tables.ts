/**
 * Right and wrong resources of each kind, as merge patches of the spec of its example, and words that
 * mean something to it. Judged in memory beside the schema (judged-in-memory.ts) and by a real server
 * (refusals.cluster.test.ts, parity.cluster.test.ts), so that both refuse the same and accept the same.
 */
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import type { Kind } from '../src/define-kind.ts';
import { csvImportTables } from './csv-import/tables.ts';
import { incrementPipelineTables } from './increment-pipeline/tables.ts';
import type { Accepted, RefusedChange, Refusal } from './refusal.ts';

export interface KindTables {
  readonly kind: Kind;
  readonly accepted: readonly Accepted[];
  readonly refused: readonly Refusal[];
  /** Changes that a resource takes while it runs. */
  readonly acceptedChanges: readonly Accepted[];
  readonly refusedChanges: readonly RefusedChange[];
  /** Names and values that meet in rules, for specs that nobody wrote down. */
  readonly vocabulary: readonly string[];
}

export const kindTables: readonly KindTables[] = [csvImportTables, incrementPipelineTables];

export interface Example {
  readonly metadata: { readonly name: string };
  readonly spec: object;
}

export async function exampleOf({ slug }: Kind): Promise<Example> {
  const file = new URL(`../examples/${slug}.yaml`, import.meta.url);
  return parse(await readFile(file, 'utf8')) as Example;
}
