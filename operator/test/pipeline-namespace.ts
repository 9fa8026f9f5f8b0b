/** A pipeline in a real namespace: the example that is in the documentation, and what it brings. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { incrementPipelines } from '../src/kinds/increment-pipeline/resource-types.ts';
import type { KubeObject } from '../src/machinery/kube-api.ts';
import { configMaps, deployments, services } from '../src/machinery/workload/resource-types.ts';
import type { Place } from './import-namespace.ts';
import { until } from './operator-process.ts';

const example = fileURLToPath(
  new URL('../../crds/examples/increment-pipeline.yaml', import.meta.url),
);

/** The example under this name; the Secret that it names is that of `prerequisites`. */
export async function pipelineNamed(name: string, { api, namespace }: Place): Promise<void> {
  const resource = parse(await readFile(example, 'utf8')) as KubeObject;
  await api.create(incrementPipelines, { ...resource, metadata: { namespace, name } });
}

/** What stands as long as a pipeline runs. */
export const pipelineChildren = (name: string) =>
  [
    [configMaps, `${name}-config`],
    [deployments, `${name}-worker`],
    [deployments, `${name}-gateway`],
    [services, `${name}-gateway`],
  ] as const;

/** All of them, once all are there. */
export async function pipelineChildrenOf(
  name: string,
  { api, namespace }: Place,
): Promise<readonly KubeObject[]> {
  return await until(
    async () => {
      const wanted = pipelineChildren(name);
      const found = await Promise.all(
        wanted.map(([type, child]) => api.get(type, { namespace, name: child })),
      );
      const there = found.filter((child) => child !== undefined);
      return there.length === wanted.length ? there : undefined;
    },
    () => `the children of ${name}`,
  );
}
