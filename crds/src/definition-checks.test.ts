import { describe, expect, test } from 'vitest';
import { sampleDefinition, wrongDefinitions } from '../test/sample-definition.ts';
import { customResourceDefinition } from './crd-yaml.ts';
import { assertDefinition } from './definition-checks.ts';
import { kinds } from './index.ts';

describe('assertDefinition', () => {
  test.each(kinds.map(customResourceDefinition))('accepts $metadata.name', (definition) => {
    expect(() => {
      assertDefinition(definition);
    }).not.toThrow();
  });

  test('accepts a kind that can be scaled', () => {
    const definition = sampleDefinition();

    expect(definition.spec.versions[0].subresources.scale?.specReplicasPath).toBe('.spec.replicas');
    expect(() => {
      assertDefinition(definition);
    }).not.toThrow();
  });

  test.each(wrongDefinitions)('refuses $what', ({ changes, problem }) => {
    expect(() => {
      assertDefinition(sampleDefinition(changes));
    }).toThrow(problem);
  });
});
