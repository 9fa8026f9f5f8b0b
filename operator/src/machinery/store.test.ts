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

describe('what comes late or twice', () => {
  it('never brings an old state back', () => {
    const store = new Store();
    store.upsert(object('a', 'uid-1', '9'));
    store.upsert(object('a', 'uid-1', '10'));

    expect(store.upsert(object('a', 'uid-1', '9'))).toEqual([]);
    expect(store.get('team/a')?.metadata.resourceVersion).toBe('10');
  });

  it('never brings back what was deleted, by a watch or by a list, but lets it come into view again', () => {
    const store = new Store();
    store.upsert(object('a', 'uid-1', '1'));
    store.upsert(object('b', 'uid-2', '2'));
    store.remove(object('a', 'uid-1', '5'));
    store.replace([], { beganAt: 0, version: '6' });

    expect(store.upsert(object('a', 'uid-1', '4'))).toEqual([]);
    expect(store.upsert(object('b', 'uid-2', '2'))).toEqual([]);
    expect(store.size).toBe(0);
    expect(store.upsert(object('a', 'uid-1', '7')).length).toBe(1);
  });

  it('never puts a predecessor in the place of the object that has its name', () => {
    const store = new Store();
    store.upsert(object('a', 'uid-2', '8'));

    expect(store.upsert(object('a', 'uid-1', '3'))).toEqual([]);
    expect(store.get('team/a')?.metadata.uid).toBe('uid-2');
  });

  it('keeps an object that was overtaken by its own deletion from an earlier view', () => {
    const store = new Store();
    store.upsert(object('a', 'uid-1', '7'));

    expect(store.remove(object('a', 'uid-1', '5'))).toEqual([]);
    expect(store.size).toBe(1);
  });

  it('counts in the order in which it comes where versions are not integers', () => {
    const store = new Store();
    store.upsert(object('a', 'uid-1', 'v10'));
    store.upsert(object('a', 'uid-1', 'v9'));

    expect(store.get('team/a')?.metadata.resourceVersion).toBe('v9');
  });

  it('keeps what was read live while the list was on its way', () => {
    const store = new Store();
    store.upsert(object('a', 'uid-1', '9'));
    store.upsert(object('b', 'uid-2', '10'));

    const changes = store.replace([object('a', 'uid-1', '4')], { beganAt: 0, version: '8' });

    expect(changes).toEqual([]);
    expect([...store.all()].map(({ metadata }) => metadata.resourceVersion)).toEqual(['9', '10']);
  });

  it('believes the list of a server that has gone back in time', () => {
    const store = new Store();
    store.upsert(object('a', 'uid-1', '90'));
    store.upsert(object('b', 'uid-2', '91'));
    store.remove(object('c', 'uid-3', '92'));

    const restored = [object('a', 'uid-1', '40'), object('c', 'uid-3', '41')];
    store.replace(restored, { beganAt: 0, version: '50', isRewound: true });

    const held = [...store.all()].map(({ metadata: { name, resourceVersion } }) => [
      name,
      resourceVersion,
    ]);
    expect(held).toEqual([
      ['a', '40'],
      ['c', '41'],
    ]);
  });
});

describe('trimming', () => {
  it('drops who wrote which field and the copy that kubectl keeps, and is done once', () => {
    const store = new Store();
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': '{}', ours: 'kept' };
    const whole = object('a', 'uid-1', '1');
    const managedFields = [{ manager: 'test' }];
    const metadata = { ...whole.metadata, annotations, managedFields };

    store.upsert(store.trim({ ...whole, metadata }));

    const kept = { ...whole.metadata, annotations: { ours: 'kept' } };
    expect(store.get('team/a')?.metadata).toEqual(kept);
    let trims = 0;
    const counting = new Store({
      trim: (given) => {
        trims++;
        return { ...given };
      },
    });
    counting.upsert(counting.trim(whole));
    expect(trims).toBe(1);
  });
});
