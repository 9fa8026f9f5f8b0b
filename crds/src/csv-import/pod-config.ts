/**
 * The configuration file of a CsvImport's pods: the spec with every default resolved, numbers in
 * bytes and milliseconds, so that it says exactly what a pod will do.
 */
import { Type, type Static } from 'typebox';
import { auth, podRateLimit } from '../http.ts';
import { Enum, object } from '../schema.ts';
import { column, identifier } from './column.ts';
import { format } from './format.ts';
import { compression, httpSource, s3Source } from './source.ts';

const bind = object(
  {
    host: Type.String({ maxLength: 253, description: 'Address to listen on.' }),
    port: Type.Integer({ minimum: 0, maximum: 65_535, description: 'Port; 0 takes a free one.' }),
  },
  { description: 'Where to listen.' },
);

/** The pods' configuration file: the spec with every default resolved. */
export const podConfig = object(
  {
    import: object(
      {
        uid: Type.String({
          maxLength: 36,
          description: 'The resource’s uid: the identity of everything in the ledger.',
        }),
        namespace: Type.String({ maxLength: 63, description: 'Namespace.' }),
        name: Type.String({ maxLength: 253, description: 'Name.' }),
      },
      { description: 'Which import.' },
    ),
    source: object(
      {
        volume: Type.Optional(
          object(
            {
              mountPath: Type.String({
                maxLength: 1024,
                description: 'Where the volume is mounted.',
              }),
              path: Type.String({ maxLength: 1024, description: 'Path of the file in it.' }),
            },
            { description: 'A file on a volume.' },
          ),
        ),
        s3: Type.Optional(s3Source),
        http: Type.Optional(httpSource),
        // Left out where nobody asks for it: files of older operators stay as they are.
        compression: Type.Optional(compression),
      },
      { description: 'Where the CSV is; exactly one of volume, s3 and http.' },
    ),
    format,
    columns: Type.Optional(
      Type.Array(column, {
        maxItems: 512,
        description: 'Columns to load; absent: every header column as text.',
      }),
    ),
    target: object(
      {
        table: Type.String({ pattern: identifier, maxLength: 55, description: 'Table.' }),
        key: Type.Array(Type.String({ pattern: identifier, maxLength: 63 }), {
          maxItems: 8,
          description: 'Key columns; empty: keyless.',
        }),
        onConflict: Enum(['LatestWins', 'FirstWins', 'Fail'], {
          description: 'Which record of a key is kept.',
        }),
        adopt: Type.Boolean({ description: 'Adopt a table that Millrace did not create.' }),
      },
      { description: 'Where rows go.' },
    ),
    rejects: object(
      {
        maxRows: Type.Integer({ minimum: 0, description: 'Limit.' }),
        maxPercent: Type.Integer({ minimum: 0, maximum: 100, description: 'Limit.' }),
      },
      { description: 'Limits on rejects.' },
    ),
    cache: object(
      {
        mode: Enum(['Off', 'Invalidate', 'Warm'], { description: 'Mode.' }),
        ttlMs: Type.Integer({ minimum: 1, description: 'Longest life of a cached row.' }),
        // Left out where nobody asks for it: files of older operators stay as they are.
        maxBytes: Type.Optional(
          Type.Integer({ minimum: 1, description: 'Most bytes that Warm keeps in Redis.' }),
        ),
      },
      { description: 'Cache of the gateway.' },
    ),
    serve: object(
      {
        enabled: Type.Boolean({ description: 'Whether there is a gateway.' }),
        filters: Type.Array(Type.String({ maxLength: 63 }), {
          maxItems: 16,
          description: 'Filter columns.',
        }),
        // Left out where nobody asks for it: files of older operators stay as they are.
        auth: Type.Optional(auth),
        rateLimit: Type.Optional(podRateLimit),
      },
      { description: 'Gateway.' },
    ),
    chunkBytes: Type.Integer({
      minimum: 1024,
      maximum: 268_435_456,
      description: 'Size of a chunk.',
    }),
    maxRecordBytes: Type.Integer({
      minimum: 1024,
      maximum: 67_108_864,
      description: 'Longest record.',
    }),
    // Given to the janitor alone, as the policy is at the end.
    deletionPolicy: Type.Optional(
      Enum(['Retain', 'Purge'], { description: 'What the janitor does with the data.' }),
    ),
    bind: object({ admin: bind, http: bind }, { description: 'Listening addresses.' }),
    backendsDir: Type.String({
      maxLength: 1024,
      description: 'Folder of the mounted backends Secret, a file a key.',
    }),
    terminationLog: Type.String({
      maxLength: 1024,
      description: 'File whose content becomes the container’s termination message.',
    }),
    graceMs: Type.Integer({ minimum: 0, description: 'Longest drain.' }),
    logLevel: Enum(['debug', 'info', 'warn', 'error'], {
      description: 'Least severe level that is logged.',
    }),
  },
  { description: 'What one pod of a CsvImport does.' },
);
export type CsvImportPodConfig = Static<typeof podConfig>;
