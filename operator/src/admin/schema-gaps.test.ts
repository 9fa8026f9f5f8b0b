import { kinds } from '@millrace/crds';
import { customResourceDefinition, type StructuralSchema } from '@millrace/crds/crd-yaml';
import { describe, expect, it } from 'vitest';
import { schemaGaps } from './schema-gaps.ts';

const ours: StructuralSchema = {
  type: 'object',
  properties: {
    mode: { type: 'string', enum: ['A', 'B'] },
    list: { type: 'array', items: { type: 'object', properties: { name: { type: 'string' } } } },
    map: { type: 'object', additionalProperties: { type: 'object', properties: { x: {} } } },
  },
  'x-kubernetes-validations': [{ rule: 'self.mode != "A"', message: 'not A' }],
};

function without(text: string): StructuralSchema {
  return JSON.parse(JSON.stringify(ours).replace(text, '"renamed":')) as StructuralSchema;
}

describe('the gaps of a served schema', () => {
  it('are none between equal schemas, nor where the server has more', () => {
    const { schema } = customResourceDefinition(kinds[0]).spec.versions[0];

    expect(schemaGaps(schema.openAPIV3Schema, schema.openAPIV3Schema)).toEqual([]);
    expect(schemaGaps({ type: 'object' }, ours)).toEqual([]);
  });

  it.each([
    ['a field', '"mode":', ['mode']],
    ['a field of list items', '"name":', ['list[].name']],
    ['a field of map values', '"x":', ['map{}.x']],
  ])('name %s', (_what, text, gaps) => {
    expect(schemaGaps(ours, without(text))).toEqual(gaps);
  });

  it('name an allowed value and a rule', () => {
    const served: StructuralSchema = {
      ...ours,
      properties: { ...ours.properties, mode: { type: 'string', enum: ['A'] } },
      'x-kubernetes-validations': [],
    };

    expect(schemaGaps(ours, served)).toEqual([': not A', 'mode=B']);
  });

  it('are none below a node that keeps whatever it is given', () => {
    expect(schemaGaps(ours, { ...open, 'x-kubernetes-validations': rules })).toEqual([]);
  });
});

const rules = ours['x-kubernetes-validations'] ?? [];
const open: object = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
