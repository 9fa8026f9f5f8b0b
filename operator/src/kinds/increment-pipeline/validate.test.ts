import { expect, it } from 'vitest';
import { validate } from './validate.ts';

it('names the field and the remedy of a spec that cannot work', () => {
  expect(validate({ workers: { min: 5, max: 2 } })).toMatchObject({
    ok: false,
    problem: { message: expect.stringContaining('spec.workers.min (5)') as unknown },
  });
  expect(validate({})).toMatchObject({ ok: true });
});
