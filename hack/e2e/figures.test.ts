import { expect, it } from 'vitest';
import { figuresTable } from './figures.ts';

it('shows the median of what was measured more than once, beside its bar', () => {
  const apply = { what: 'apply → first row', unit: 's', bar: 8 } as const;
  const table = figuresTable([
    { ...apply, value: 9 },
    { what: 'idle', unit: 'MiB', value: 45.2 },
    { ...apply, value: 4 },
    { ...apply, value: 5.25 },
  ]);

  expect(table.split('\n').slice(2)).toEqual([
    '| apply → first row | 5.3 s | < 8 s | 3 |',
    '| idle | 45 MiB |  | 1 |',
  ]);
});
