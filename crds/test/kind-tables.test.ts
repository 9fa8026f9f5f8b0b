import { expect, test } from 'vitest';
import { kinds } from '../src/index.ts';
import { kindTables } from './kind-tables.ts';

test('what is right and wrong is written down for every kind', () => {
  expect(
    kindTables.map(({ kind }) => kind.slug),
    'Write crds/test/<slug>/tables.ts, list it in crds/test/kind-tables.ts, and judge it in crds/src/<slug>.test.ts.',
  ).toEqual(kinds.map(({ slug }) => slug));
});
