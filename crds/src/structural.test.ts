import { describe, expect, test } from 'vitest';
import { notStructural } from '../test/not-structural.ts';
import { structural } from './crd-yaml.ts';
import { kinds } from './index.ts';
import { assertStructural } from './structural.ts';

describe('assertStructural', () => {
  test.each(
    kinds.flatMap((kind) => [
      [kind.kind, 'spec', kind] as const,
      [kind.kind, 'status', kind] as const,
    ]),
  )('accepts what %s has as its %s', (_name, part, kind) => {
    expect(() => {
      assertStructural(structural(kind[part]), part);
    }).not.toThrow();
  });

  test.each(notStructural)('refuses $what', ({ schema, problem }) => {
    expect(() => {
      assertStructural(schema, 'spec');
    }).toThrow(problem);
  });

  test('names every problem with its path', () => {
    const schema = structural({
      description: 'A spec.',
      type: 'object',
      properties: { a: { type: 'boolean' }, b: { description: 'A field.', type: 'string' } },
    });

    expect(() => {
      assertStructural(schema, 'spec');
    }).toThrow('spec.a: needs a description\nspec.b: needs maxLength');
  });
});
