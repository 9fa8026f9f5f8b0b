/** Installs the CRDs from their files, as `kubectl apply --server-side` would, and waits until they are served. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { HttpKubeApi } from '@millrace/operator/kube/http-api';
import type { KubeObject } from '@millrace/operator/machinery/kube-api';
import { parse } from 'yaml';
import { until } from './operator-process.ts';

const folder = fileURLToPath(new URL('../../../crds', import.meta.url));
const customResourceDefinitions = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
};

export async function installDefinitions(api: HttpKubeApi): Promise<void> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.yaml'));
  for (const file of files) {
    const definition = parse(await readFile(join(folder, file), 'utf8')) as KubeObject;
    const ref = { namespace: '', name: definition.metadata.name };
    const object = { ...definition, metadata: { ...definition.metadata, ...ref } };
    await api.apply(customResourceDefinitions, object, { fieldManager: 'bench', force: true });
    await until(`${ref.name} is served`, async () =>
      isEstablished(await api.get(customResourceDefinitions, ref)),
    );
  }
}

function isEstablished(definition: KubeObject | undefined): boolean {
  const status = definition?.['status'] as
    | { readonly conditions?: readonly { type: string; status: string }[] }
    | undefined;
  const established = status?.conditions?.find(({ type }) => type === 'Established');
  return established?.status === 'True';
}
