/**
 * Where the CSV is. Exactly one of the places, so that a new kind of source is a new field.
 *
 * Addresses and keys of an S3 store are in the backends Secret, never here. A source is only named:
 * what version of it is read is pinned by the coordinator at the start.
 */
import { Type } from 'typebox';
import { Enum, object, rule } from '../schema.ts';
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

/** A content on a web server, as the spec and the pods' configuration name it. */
export const httpSource = object(
  {
    url: rule(
      Type.String({
        pattern: '^https?://[^\\s#]+$',
        minLength: 8,
        maxLength: 2048,
        description: 'Address of the file: http or https, without credentials.',
      }),
      "!self.matches('^https?://[^/?]*@')",
      'url must hold no user or password, which anybody who may read this resource would see; serve the file inside the cluster or by a signed address',
    ),
  },
  {
    description:
      'A file on a web server. With ranges and a strong ETag workers load it; otherwise the coordinator reads it from its start.',
  },
);

export const compression = Enum(['Auto', 'None', 'Gzip'], {
  description:
    'How the file is compressed; Auto looks at its first bytes. A compressed file is read from its start by the coordinator. Default Auto.',
});

export const source = rule(
  object(
    {
      volume: Type.Optional(volume),
      s3: Type.Optional(s3Source),
      http: Type.Optional(httpSource),
      compression: Type.Optional(compression),
    },
    { description: 'Where the CSV is; exactly one of volume, s3 and http.' },
  ),
  '(has(self.volume) ? 1 : 0) + (has(self.s3) ? 1 : 0) + (has(self.http) ? 1 : 0) == 1',
  { message: 'name exactly one source: volume, s3 or http', reason: 'FieldValueRequired' },
);
