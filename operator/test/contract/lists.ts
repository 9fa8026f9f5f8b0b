/** Server-side apply inside lists whose elements have keys: each manager has its own elements. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { KubeApi, KubeObject } from '../../src/machinery/kube-api.ts';
import { csvImport, csvImports, deployment, deployments, name, type MakeTarget } from './target.ts';

const one = { fieldManager: 'one' };
const two = { fieldManager: 'two' };

interface Container {
  readonly name: string;
  readonly image?: string;
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly ports?: readonly object[];
}

export function listsContract(makeTarget: MakeTarget): void {
  describe('lists with keys', () => {
    let api: KubeApi;
    let namespace: string;
    const ref = () => ({ namespace, name });

    beforeEach(async () => {
      ({ api, namespace } = await makeTarget());
    });

    /** As `manager` knows the Deployment: only these containers, of which only these fields. */
    async function applyContainers(containers: readonly Container[], manager = one) {
      const template = { metadata: { labels: { app: name } }, spec: { containers } };
      return await api.apply(deployments, deployment(namespace, { template }), manager);
    }

    const stored = async () => containersOf(await api.get(deployments, ref()));
    const names = async () => (await stored()).map((container) => container.name);

    const main = { name: 'main', image: 'registry.example/main:1' };
    const side = { name: 'side', image: 'registry.example/side:1' };
    const third = { name: 'third', image: 'registry.example/third:1' };

    test('take an element of another manager without a conflict, and lose it with that manager', async () => {
      await applyContainers([main]);
      await applyContainers([side], two);
      expect(await names()).toEqual(['main', 'side']);

      await applyContainers([main]);
      expect(await names()).toEqual(['main', 'side']);
      await applyContainers([main], two);

      expect(await names()).toEqual(['main']);
    });

    test('let a manager add a field to the element of another, and take it back', async () => {
      const env = [{ name: 'LEVEL', value: 'debug' }];
      await applyContainers([main]);

      await applyContainers([{ name: 'main', env }], two);
      await applyContainers([main]);
      expect(await stored()).toMatchObject([{ ...main, env }]);
      await applyContainers([{ name: 'main' }], two);

      expect((await stored())[0]).not.toHaveProperty('env');
      expect(await stored()).toMatchObject([main]);
    });

    test('lose an element with the manager of its key, whoever patched a field in it', async () => {
      await applyContainers([main, side]);
      const patched = [main, { ...side, image: 'registry.example/side:2' }];
      const spec = { template: { spec: { containers: patched } } };
      await api.patch(deployments, ref(), { spec });

      await applyContainers([main]);

      expect(await names()).toEqual(['main']);
    });

    test('conflict by the element’s key', async () => {
      await applyContainers([main]);

      const apply = applyContainers([{ ...main, image: 'registry.example/main:2' }], two);

      await expect(apply).rejects.toMatchObject({
        reason: 'Conflict',
        message: expect.stringContaining(
          '.spec.template.spec.containers[name="main"].image',
        ) as string,
      });
    });

    test.each([
      ['a new one after the others', [main], [main, side], ['main', 'side']],
      ['another order', [main, side], [side, main], ['side', 'main']],
      ['a new one between', [main, side], [main, third, side], ['main', 'third', 'side']],
      ['one left out', [main, third, side], [main, side], ['main', 'side']],
    ])('follow the order of the one manager: %s', async (_what, before, after, expected) => {
      await applyContainers(before);

      await applyContainers(after);

      expect(await names()).toEqual(expected);
    });

    test('keep the elements of the other manager behind those that they stood behind', async () => {
      await applyContainers([main, third]);
      await applyContainers([side], two);

      await applyContainers([third, main]);

      expect(await names()).toEqual(['third', 'side', 'main']);
    });

    test('tell ports apart by number and protocol', async () => {
      const ports = (...list: object[]) => [{ ...main, ports: list }];
      await applyContainers(ports({ containerPort: 53, protocol: 'UDP' }, { containerPort: 53 }));

      await applyContainers(ports({ containerPort: 53 }));

      expect(await stored()).toMatchObject([{ ports: [{ containerPort: 53 }] }]);
    });

    const condition = (type: string, state: string) => ({
      type,
      status: state,
      reason: 'Tested',
      message: '',
      lastTransitionTime: '2030-01-01T00:00:00Z',
      observedGeneration: 1,
    });

    test('hold the conditions of two managers of a status side by side', async () => {
      await api.create(csvImports, csvImport(namespace));
      const write = async (manager: typeof one, ...conditions: object[]) =>
        await api.applyStatus(
          csvImports,
          { ...csvImport(namespace), status: { conditions } },
          manager,
        );
      await write(one, condition('Ready', 'False'), condition('Stalled', 'False'));
      await write(two, condition('Seen', 'True'));

      const written = await write(one, condition('Ready', 'True'));

      expect(written['status']).toMatchObject({
        conditions: [condition('Ready', 'True'), condition('Seen', 'True')],
      });
      expect(written['status']).toHaveProperty('conditions.length', 2);
    });

    test('are whole values where elements have no key: the last to force them has them', async () => {
      const command = (...args: string[]) => [{ ...main, args }];
      await applyContainers(command('a', 'b'));

      await expect(applyContainers(command('a'), two)).rejects.toMatchObject({
        message: expect.stringContaining('containers[name="main"].args') as string,
      });
      await applyContainers(command('c'), { ...two, force: true } as typeof two);

      expect(await stored()).toMatchObject([{ args: ['c'] }]);
    });
  });

  describe('managed fields', () => {
    test('say who owns which field through which subresource', async () => {
      const { api, namespace } = await makeTarget();
      const ref = { namespace, name };
      await api.apply(deployments, deployment(namespace, { replicas: 0 }), one);
      const scale = { fieldManager: 'scaler', replicas: 2, force: true };
      await api.scale(deployments, ref, scale);
      await api.patch(deployments, ref, { metadata: { labels: { a: 'b' } } });

      const found = await api.get(deployments, ref);

      const entry = (manager: string, operation: string) =>
        managedFieldsOf(found).find((each) => isSubset({ manager, operation }, each));
      expect(entry('scaler', 'Apply')).toMatchObject({
        subresource: 'scale',
        fieldsType: 'FieldsV1',
        fieldsV1: { 'f:spec': { 'f:replicas': {} } },
      });
      expect(entry('millrace', 'Update')).toMatchObject({
        fieldsV1: { 'f:metadata': { 'f:labels': { 'f:a': {} } } },
      });
      const own = entry('one', 'Apply');
      expect(own).not.toHaveProperty(['fieldsV1', 'f:spec', 'f:replicas']);
      expect(own).toMatchObject({
        fieldsV1: {
          'f:spec': {
            'f:template': {
              'f:spec': { 'f:containers': { 'k:{"name":"main"}': { 'f:image': {} } } },
            },
          },
        },
      });
    });

    test('cannot be applied: they are no configuration', async () => {
      const { api, namespace } = await makeTarget();
      const read = await api.apply(deployments, deployment(namespace), one);

      await expect(api.apply(deployments, read, one)).rejects.toMatchObject({
        reason: 'Invalid',
        message: expect.stringContaining('managedFields') as string,
      });
    });
  });
}

function containersOf(object: KubeObject | undefined): readonly Container[] {
  const spec = object?.['spec'] as PodSpec | undefined;
  return spec?.template.spec.containers ?? [];
}

interface PodSpec {
  readonly template: { readonly spec: { readonly containers: readonly Container[] } };
}

function managedFieldsOf(object: KubeObject | undefined): readonly object[] {
  const fields: unknown = object && Reflect.get(object.metadata, 'managedFields');
  return Array.isArray(fields) ? (fields as readonly object[]) : [];
}

function isSubset(part: object, whole: object): boolean {
  return Object.entries(part).every(([key, value]) => Reflect.get(whole, key) === value);
}
