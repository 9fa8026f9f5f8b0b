import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KubeObject } from './kube-api.ts';
import { SharedParts } from './shared-parts.ts';

function deployment(name: string, image = 'main:1'): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { namespace: 'team', name, labels: { app: name } },
    spec: { replicas: 1, template: { spec: { containers: [{ name: 'main', image }] } } },
  };
}

interface Template {
  readonly spec: { readonly template: { readonly spec: unknown } };
}

describe('parts of cached objects', () => {
  it('are one in memory where they are equal', () => {
    const parts = new SharedParts();
    const [first, second, other] = [
      parts.share(deployment('a')),
      parts.share(deployment('b')),
      parts.share(deployment('c', 'main:2')),
    ] as unknown as Template[];

    expect(second?.spec.template).toBe(first?.spec.template);
    expect(other?.spec.template).not.toBe(first?.spec.template);
  });

  it('leave every object equal to what it was, however many there were before', () => {
    const parts = new SharedParts();
    const object = fc.record({ spec: fc.jsonValue(), status: fc.jsonValue() });
    fc.assert(
      fc.property(object, (fields) => {
        const whole = { ...deployment('a'), ...fields } as KubeObject;
        expect(parts.share(whole)).toEqual(whole);
      }),
    );
  });

  it('are remembered up to a bound', () => {
    const parts = new SharedParts();
    const first = parts.share(deployment('first', 'image:0')) as unknown as Template;
    for (let index = 1; index < 5_000; index++) {
      parts.share(deployment('next', `image:${String(index)}`));
    }

    const again = parts.share(deployment('again', 'image:0')) as unknown as Template;

    expect(again.spec.template).toEqual(first.spec.template);
    expect(again.spec.template).not.toBe(first.spec.template);
  });
});
