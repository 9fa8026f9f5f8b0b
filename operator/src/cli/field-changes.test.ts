import { describe, expect, it } from 'vitest';
import { changeText, fieldChanges } from './field-changes.ts';

function texts(before: object | undefined, after: object | undefined): readonly string[] {
  return fieldChanges(before, after).map(changeText);
}

describe('changes of fields', () => {
  it('match items of a list by name, whatever their order', () => {
    const before = {
      spec: {
        containers: [
          { name: 'a', image: '1' },
          { name: 'b', image: '1' },
        ],
      },
    };
    const after = {
      spec: {
        containers: [
          { name: 'b', image: '2' },
          { name: 'a', image: '1' },
        ],
      },
    };

    expect(texts(before, after)).toEqual(['spec.containers[b].image: "1" → "2"']);
  });

  it('look into a text that is JSON', () => {
    const before = { data: { 'config.json': '{"workers":{"max":2},"a":1}' } };
    const after = { data: { 'config.json': '{"a":1,"workers":{"max":4}}' } };

    expect(texts(before, after)).toEqual(['data["config.json"].workers.max: 2 → 4']);
  });

  it('leave out what the API server and the operator keep for themselves', () => {
    const before = { metadata: { name: 'a', generation: 1, managedFields: [] }, status: { a: 1 } };
    const after = {
      metadata: {
        name: 'a',
        generation: 2,
        resourceVersion: '7',
        annotations: { 'millrace.dev/applied-digest': 'x' },
      },
      status: { a: 2 },
    };

    expect(texts(before, after)).toEqual([]);
  });

  it('never tell a value of a Secret, be it base64 or text', () => {
    const secret = (data: object) => ({ apiVersion: 'v1', kind: 'Secret', ...data });
    const before = secret({ data: { URL: 'aHVzaA==', OLD: 'aHVzaA==' } });
    const after = secret({ data: { URL: 'c3RpbGw=' }, stringData: { NEW: 'hush' } });

    expect(texts(before, after)).toEqual([
      'data.URL: (hidden) → (hidden)',
      'data.OLD: (hidden) → (none)',
      'stringData: (none) → (hidden)',
    ]);
  });

  it('cut long values, and say when a field was not there', () => {
    const [text = ''] = texts(
      { spec: {} },
      { spec: { list: Array.from({ length: 100 }, () => 'x') } },
    );

    expect(text).toMatch(/^spec\.list: \(none\) → \["x",/);
    expect(text.length).toBeLessThan(100);
  });

  it('take a list whose items have no names as one value', () => {
    expect(texts({ spec: { key: ['a', 'b'] } }, { spec: { key: ['a'] } })).toEqual([
      'spec.key: ["a","b"] → ["a"]',
    ]);
  });
});
