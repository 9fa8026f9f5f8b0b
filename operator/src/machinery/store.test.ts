import { describe, expect, it } from 'vitest';
import type { KubeObject } from './kube-api.ts';
import { Store } from './store.ts';

function object(name: string, uid: string, resourceVersion: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      namespace: 'team',
      name,
      uid,
      resourceVersion,
      labels: { first: name.slice(0, 1) },
    },
  };
}

const byFirst = {
  indexes: { first: ({ metadata }: KubeObject) => [metadata.labels?.['first'] ?? ''] },
};

describe('store', () => {
  it('tells a deletion before the new object of the same name, though only the new one was heard of', () => {
    const store = new Store();
    store.upsert(object('a', 'uid-1', '1'));

    const changes = store.upsert(object('a', 'uid-2', '5'));

    expect(changes.map(({ before, after }) => [before?.metadata.uid, after?.metadata.uid])).toEqual(
      [
        ['uid-1', undefined],
        [undefined, 'uid-2'],
      ],
    );
    expect(store.get('team/a')?.metadata.uid).toBe('uid-2');
    expect(store.byUid('uid-1')).toBeUndefined();
  });

  it('keeps the new object when the deletion of the old one comes late', () => {
    const store = new Store();
    store.upsert(object('a', 'uid-1', '1'));
    store.upsert(object('a', 'uid-2', '5'));

    expect(store.remove(object('a', 'uid-1', '4'))).toEqual([]);
    expect(store.get('team/a')?.metadata.uid).toBe('uid-2');
  });

  it('finds objects by index, also after they changed and went', () => {
    const store = new Store(byFirst);
    store.upsert(object('apple', 'uid-1', '1'));
    store.upsert(object('avocado', 'uid-2', '2'));
    store.upsert({
      ...object('avocado', 'uid-2', '3'),
      metadata: { ...object('avocado', 'uid-2', '3').metadata, labels: { first: 'z' } },
    });

    expect(store.byIndex('first', 'a').map(({ metadata }) => metadata.name)).toEqual(['apple']);
    expect(store.byIndex('first', 'z').map(({ metadata }) => metadata.name)).toEqual(['avocado']);
    store.remove(object('apple', 'uid-1', '4'));
    expect(store.byIndex('first', 'a')).toEqual([]);
  });

  it('tells nothing for a version that it holds already', () => {
    const store = new Store();
    store.upsert(object('a', 'uid-1', '1'));

    expect(store.upsert(object('a', 'uid-1', '1'))).toEqual([]);
  });

  it('leaves other namespaces alone when one is listed again', () => {
    const store = new Store();
    const elsewhere = { ...object('b', 'uid-2', '2') };
    store.upsert({ ...elsewhere, metadata: { ...elsewhere.metadata, namespace: 'other' } });
    store.upsert(object('a', 'uid-1', '1'));

    store.replace([], { namespace: 'team', beganAt: 1 });

    expect([...store.all()].map(({ metadata }) => metadata.name)).toEqual(['b']);
  });

  it('knows a write by its version, or by a list that began after it', () => {
    const store = new Store();
    store.upsert(object('a', 'uid-1', '7'));
    store.upsert(object('a', 'uid-1', '8'));
    const write = { namespace: 'team', at: 100 };

    expect(store.hasSeen('7', write)).toBe(true);
    expect(store.hasSeen('9', write)).toBe(false);
    store.replace([], { beganAt: 99 });
    expect(store.hasSeen('9', write)).toBe(false);
    store.replace([], { beganAt: 101 });
    expect(store.hasSeen('9', write)).toBe(true);
  });

  it('keeps nothing of who wrote which field', () => {
    const store = new Store();
    const { metadata, ...rest } = object('a', 'uid-1', '1');
    store.upsert({
      ...rest,
      metadata: { ...metadata, managedFields: [{ manager: 'x' }] },
    } as KubeObject);

    expect(store.get('team/a')?.metadata).not.toHaveProperty('managedFields');
  });
});
