/**
 * What the coordinator reports at /progress and, at its end, in its termination message. A hint for
 * the operator while the import runs; the final report travels with the pod's status.
 */
import { Type, type Static } from 'typebox';
import { backendState } from '../conditions.ts';
import { Enum, object } from '../schema.ts';

const count = (description: string) => Type.Integer({ minimum: 0, format: 'int64', description });

/** Counted, never derived: read = loaded + superseded + rejected once the import is Complete. */
export const totals = object(
  {
    read: count('Data records read.'),
    loaded: count('Keys whose row is this import’s; without a key, rows.'),
    superseded: count('Accepted records whose key is held by another record.'),
    rejected: count('Records in the rejects table.'),
    comments: count('Comment lines skipped.'),
    blank: count('Blank lines skipped.'),
  },
  { description: 'Records by what became of them.' },
);
export type Totals = Static<typeof totals>;

const dialect = object(
  {
    delimiter: Type.String({ maxLength: 10, description: 'Between fields.' }),
    quote: Type.String({ maxLength: 4, description: 'Around quoted fields, or None.' }),
    escape: Type.String({ maxLength: 16, description: 'Doubled, Backslash or None.' }),
    encoding: Type.String({
      maxLength: 32,
      description: 'UTF-8, Windows-1252, UTF-16LE or UTF-16BE.',
    }),
    header: Type.Boolean({ description: 'Whether the first record names the columns.' }),
    preambleLines: Type.Optional(
      Type.Integer({
        minimum: 0,
        format: 'int32',
        description: 'Lines above the header or the data, which are skipped.',
      }),
    ),
    confidence: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 1,
        description: 'How clearly this reading beat the others.',
      }),
    ),
    ambiguous: Type.Optional(
      Type.Boolean({ description: 'Whether another reading is nearly as likely.' }),
    ),
    runnerUp: Type.Optional(
      Type.String({
        maxLength: 256,
        description: 'What to set in spec.format of a new import if the other reading is right.',
      }),
    ),
    reasons: Type.Optional(
      Type.Array(Type.String({ maxLength: 256, description: 'One reason.' }), {
        maxItems: 8,
        'x-kubernetes-list-type': 'atomic',
        description: 'Why the file is read like this; without values of the file.',
      }),
    ),
  },
  { description: 'The dialect the file is read in.' },
);

const figure = (description: string) => Type.Optional(Type.Number({ minimum: 0, description }));

const workerInputs = object(
  {
    chunksLeft: Type.Integer({ minimum: 0, description: 'Chunks that are not committed.' }),
    present: figure('Workers heard of lately.'),
    chunkSeconds: figure('What one chunk takes one worker.'),
    commitSeconds: figure('What a commit takes now.'),
    usualCommitSeconds: figure('What a commit has been seen to take at best, lately.'),
    paceRatio: figure('Share of their time that workers work; less when commits are slow.'),
    connectionsFree: figure('Connections that the server has for workers of this import.'),
    usefulMax: figure('More workers than this the server’s commits have no room for.'),
  },
  { description: 'What the number was computed from.' },
);

/** What the coordinator reports at /progress and, at its end, in its termination message. */
export const progress = object(
  {
    state: Enum(['Waiting', 'Planning', 'Loading', 'Verifying', 'Complete', 'Failed'], {
      description: 'Where the import is.',
    }),
    reason: Type.Optional(Type.String({ maxLength: 64, description: 'Why it waits or failed.' })),
    message: Type.Optional(
      Type.String({ maxLength: 2048, description: 'The same for people, with what to do next.' }),
    ),
    totals,
    bytes: object(
      {
        source: count('Size of the source.'),
        planned: count('Cut into chunks so far.'),
        done: count('Committed.'),
      },
      { description: 'Bytes of the source.' },
    ),
    chunks: object(
      {
        planned: count('Chunks cut so far.'),
        done: count('Chunks committed.'),
        complete: Type.Boolean({ description: 'Whether cutting has reached the end.' }),
      },
      { description: 'Units of work.' },
    ),
    rowsPerSecond: Type.Optional(
      Type.Number({ minimum: 0, description: 'Over the last ten seconds.' }),
    ),
    sequential: Type.Optional(
      Type.String({
        maxLength: 256,
        description: 'Why the coordinator reads the source from its start and loads it by itself.',
      }),
    ),
    workers: object(
      {
        wanted: Type.Integer({ minimum: 0, description: 'How many are useful now.' }),
        why: Type.String({ maxLength: 256, description: 'The arithmetic.' }),
        inputs: Type.Optional(workerInputs),
      },
      { description: 'Workers that would be of use.' },
    ),
    dialect: Type.Optional(dialect),
    ignoredColumns: Type.Optional(
      Type.Array(Type.String({ maxLength: 128, description: 'Name of one column.' }), {
        maxItems: 64,
        'x-kubernetes-list-type': 'atomic',
        description: 'Columns of the file that no listed column takes.',
      }),
    ),
    rejectReasons: Type.Optional(
      Type.Array(
        object(
          { reason: Type.String({ maxLength: 64, description: 'Why.' }), rows: count('How many.') },
          { description: 'Rejects of one reason.' },
        ),
        {
          maxItems: 16,
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['reason'],
          description: 'Rejects by reason.',
        },
      ),
    ),
    backends: Type.Array(backendState, {
      maxItems: 8,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      description: 'Backends as the coordinator sees them.',
    }),
  },
  { description: 'How far the import is.' },
);
export type CsvImportProgress = Static<typeof progress>;
