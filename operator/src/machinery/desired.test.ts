import { describe, expect, it } from 'vitest';
import { digestAnnotation, isAsWanted, withDigest } from './desired.ts';
import type { KubeObject } from './kube-api.ts';

const wanted: KubeObject = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace: 'team', name: 'a', labels: { app: 'a' } },
  spec: { ports: [{ port: 80 }], selector: { app: 'a' } },
};

describe('what is wanted', () => {
  const digested = withDigest(wanted);

  it('is held by an object with defaults and fields of others besides', () => {
    const held = {
      ...digested,
      metadata: { ...digested.metadata, uid: 'uid-1', labels: { app: 'a', theirs: 'b' } },
      spec: { ports: [{ port: 80, protocol: 'TCP' }], selector: { app: 'a' }, clusterIP: 'x' },
    };

    expect(isAsWanted(digested, held)).toBe(true);
  });

  const differences: readonly [what: string, spec: object][] = [
    ['another value', { ports: [{ port: 81 }], selector: { app: 'a' } }],
    ['a field that is gone', { ports: [{ port: 80 }] }],
    ['one item more', { ports: [{ port: 80 }, { port: 81 }], selector: { app: 'a' } }],
    ['one item less', { ports: [], selector: { app: 'a' } }],
  ];
  for (const [what, spec] of differences) {
    it(`is not held by an object with ${what}`, () => {
      expect(isAsWanted(digested, { ...digested, spec })).toBe(false);
    });
  }

  it('is not held by an object that was made from another wish, though every field is there', () => {
    const more = withDigest({
      ...wanted,
      spec: { ...(wanted['spec'] as object), type: 'ClusterIP' },
    });

    expect(isAsWanted(digested, more)).toBe(false);
    expect(digested.metadata.annotations?.[digestAnnotation]).toMatch(/^[0-9a-f]{16}$/);
  });
});
