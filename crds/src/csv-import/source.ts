/** Where the CSV is. Exactly one of the fields, so that a new kind of source is a new field. */
import { Type } from 'typebox';
import { object, rule } from '../schema.ts';
import { objectName } from './rules.ts';

export const source = rule(
  object(
    {
      volume: Type.Optional(
        object(
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
        ),
      ),
    },
    { description: 'Where the CSV is; exactly one of its fields.' },
  ),
  'has(self.volume)',
  {
    message: 'name the claim and the path of the file',
    fieldPath: '.volume',
    reason: 'FieldValueRequired',
  },
);
