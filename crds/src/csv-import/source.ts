/**
 * Where the CSV is. Exactly one of the fields, so that a new kind of source is a new field.
 *
 * Addresses and keys of an S3 store are in the backends Secret, never here. A source is only named:
 * what version of it is read is pinned by the coordinator at the start.
 */
import { Type } from 'typebox';
import { object, rule } from '../schema.ts';
import { objectName } from './rules.ts';

const volume = object(
  {
    claimName: Type.String({
      pattern: objectName,
      minLength: 1,
      maxLength: 253,
      description: 'Name of a PersistentVolumeClaim in the same namespace.',
    }),
    path: rule(
      Type.String({
        minLength: 1,
        maxLength: 1024,
        description: 'Path of the file inside the volume, without a leading slash.',
      }),
      "!self.startsWith('/') && !self.matches('(^|/)[.][.](/|$)')",
      'path must stay inside the volume: no leading slash and no .. in it',
    ),
  },
  { description: 'A file on a volume.' },
);

/** The object of an S3 store, as the spec and the pods' configuration name it. */
export const s3Source = object(
  {
    bucket: Type.String({
      pattern: '^[a-z0-9][a-z0-9.-]*[a-z0-9]$',
      minLength: 3,
      maxLength: 63,
      description: 'Name of the bucket.',
    }),
    key: Type.String({
      pattern: '^[^\\x00-\\x1f\\x7f]+$',
      minLength: 1,
      maxLength: 1024,
      description: 'Key of the object in the bucket.',
    }),
    versionId: Type.Optional(
      Type.String({
        pattern: '^[\\x21-\\x7e]+$',
        minLength: 1,
        maxLength: 1024,
        description: 'Version of the object; without it the one that is newest at the start.',
      }),
    ),
  },
  {
    description:
      'An object of an S3 store whose address and keys are S3_ENDPOINT, S3_REGION, S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY of the backends Secret.',
  },
);

export const source = rule(
  object(
    { volume: Type.Optional(volume), s3: Type.Optional(s3Source) },
    { description: 'Where the CSV is; exactly one of its fields.' },
  ),
  '(has(self.volume) ? 1 : 0) + (has(self.s3) ? 1 : 0) == 1',
  { message: 'name exactly one source: volume or s3', reason: 'FieldValueRequired' },
);
