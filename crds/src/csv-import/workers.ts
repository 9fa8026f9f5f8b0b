/** Bounds for the number of workers; the number itself is the operator's. */
import { Type } from 'typebox';
import { object, rule } from '../schema.ts';

export const workers = rule(
  object(
    {
      min: Type.Optional(
        Type.Integer({
          minimum: 0,
          maximum: 64,
          description: 'Fewest workers while loading; default 0.',
        }),
      ),
      max: Type.Optional(
        Type.Integer({ minimum: 1, maximum: 64, description: 'Most workers; default 4.' }),
      ),
    },
    { description: 'Bounds for the number of workers.' },
  ),
  '!has(self.min) || self.min <= (has(self.max) ? self.max : 4)',
  {
    message: 'workers.min must not be greater than workers.max, which is 4 if left out',
    fieldPath: '.min',
  },
);
