/**
 * The definitions on a real server: taken as they are, with every rule within its cost budget, and
 * shown by kubectl as they say. What our own checks refuse is compared with what a server refuses,
 * so that they neither forget one of its rules nor invent one.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  describeOnCluster,
  realNamespace,
  type RealNamespace,
} from '../../operator/test/real-cluster.ts';
import { customResourceDefinition, type StructuralSchema } from '../src/crd-yaml.ts';
import { apiVersion, type Kind } from '../src/define-kind.ts';
import { kinds } from '../src/index.ts';
import { notStructural } from './not-structural.ts';
import { rawServer, type Answer, type RawServer } from './raw-server.ts';
import { sampleDefinition, wrongDefinitions } from './sample-definition.ts';

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const everyKind: readonly Kind[] = kinds;

/** Every field with its path, through lists. */
function fieldsOf(
  schema: StructuralSchema,
  at: string,
): { path: string; schema: StructuralSchema }[] {
  const inside = schema.items ?? schema;
  return Object.entries(inside.properties ?? {}).flatMap(([key, field]) => [
    { path: `${at}.${key}`, schema: field },
    ...fieldsOf(field, `${at}.${key}`),
  ]);
}

describeOnCluster('a real server', () => {
  let cluster: RealNamespace;
  let server: RawServer;
  const dryRun = async (definition: object): Promise<Answer> =>
    server.send('POST', `${definitions}?dryRun=All`, definition);

  beforeAll(async () => {
    cluster = await realNamespace();
    server = await rawServer();
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
  });

  test.each(everyKind)('takes $kind with all its rules and without a warning', async (kind) => {
    const { metadata } = customResourceDefinition(kind);
    const file = new URL(`../${kind.slug}.yaml`, import.meta.url).pathname;
    const apply = ['apply', '--server-side', '--dry-run=server', '--force-conflicts', '-f', file];

    const { exitCode, stderr } = await cluster.kubectl(apply);
    const { body } = await server.send('GET', `${definitions}/${metadata.name}`);

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const { conditions } = (body as { status: { conditions: { type: string; status: string }[] } })
      .status;
    expect(conditions).toContainEqual(
      expect.objectContaining({ type: 'Established', status: 'True' }),
    );
    expect(conditions.map(({ type }) => type)).not.toContain('NonStructuralSchema');
  });

  test.each(everyKind)('explains every field of $kind', async (kind) => {
    const { properties = {} } =
      customResourceDefinition(kind).spec.versions[0].schema.openAPIV3Schema;
    const fields = ['spec', 'status'].flatMap((part) => fieldsOf(properties[part] ?? {}, part));
    const explain = ['explain', kind.plural, '--recursive'];

    const { body } = await server.send('GET', `/openapi/v3/apis/${apiVersion}`);
    const { stdout, exitCode } = await cluster.kubectl(explain);

    const { components } = body as { components: { schemas: Record<string, StructuralSchema> } };
    const served = Object.values(components.schemas).find(
      (schema) => schema.description === kind.description,
    );
    const shown = ['spec', 'status'].flatMap((part) =>
      fieldsOf(served?.properties?.[part] ?? {}, part),
    );
    expect(fields.length).toBeGreaterThan(20);
    expect(exitCode).toBe(0);
    for (const { path, schema } of fields) {
      const one = shown.find((field) => field.path === path);
      expect(one?.schema.description, path).toBe(schema.description);
      expect(stdout, path).toMatch(new RegExp(`^\\s+${path.split('.').at(-1) ?? ''}\\t`, 'm'));
    }
  });

  test('shows a nested field with its description', async () => {
    const { stdout } = await cluster.kubectl(['explain', 'csvimport.spec.columns.from']);

    expect(stdout).toContain('Header name, or 0-based position; its own name if left out.');
  });

  test.each(notStructural)(
    'and our own checks agree on $what',
    async ({ schema, server: does }) => {
      const definition = sampleDefinition({ printerColumns: [], selectableFields: [] });
      const [only] = definition.spec.versions;
      const root = only.schema.openAPIV3Schema;
      const changed = { ...root, properties: { ...root.properties, spec: schema } };
      const versions = [{ ...only, subresources: {}, schema: { openAPIV3Schema: changed } }];

      const { code } = await dryRun({ ...definition, spec: { ...definition.spec, versions } });

      expect(code < 300 ? 'takes' : 'refuses').toBe(does);
    },
  );

  test.each(wrongDefinitions)(
    'and our own checks agree on $what',
    async ({ changes, server: does }) => {
      const { code } = await dryRun(sampleDefinition(changes));

      expect(code < 300 ? 'takes' : 'refuses').toBe(does);
    },
  );

  test('takes a kind that can be scaled', async () => {
    const { code, body } = await dryRun(sampleDefinition());

    expect(code, String(body['message'])).toBe(201);
  });
});
