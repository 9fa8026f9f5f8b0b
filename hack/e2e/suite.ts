/** What every file of the suite works with: the cluster, its tools, and Postgres behind the pods. */
import { systemClock } from '@millrace/kit/clock';
import { loadConnection } from '@millrace/operator/kube/connection';
import { createHttpApi, type HttpKubeApi } from '@millrace/operator/kube/http-api';
import { Client } from 'pg';
import { inject } from 'vitest';
import * as commands from './commands.ts';
import type { CommandOptions } from './commands.ts';
import { folderClaim, restrictedNamespace } from './fixtures.ts';
import type { ProvidedSuite } from './provided.ts';
import { replicasOf } from './resources.ts';

export const release = 'millrace';
export const systemNamespace = 'millrace-system';

export function suite(): ProvidedSuite {
  return inject('suite');
}

export async function kubectl(args: readonly string[], options?: CommandOptions): Promise<string> {
  return commands.kubectl(suite().tools, args, options);
}

export async function helm(args: readonly string[], options?: CommandOptions): Promise<string> {
  return commands.helm(suite().tools, args, options);
}

export async function apply(...objects: readonly object[]): Promise<void> {
  await commands.apply(suite().tools, objects);
}

/** The API on raw JSON, for what is asked again and again: a kubectl a look would load the host. */
export async function kubeApi(): Promise<HttpKubeApi> {
  const { kubeconfig } = suite().tools;
  const connection = await loadConnection({ kubeconfig, env: {} });
  return createHttpApi({ connection, clock: systemClock });
}

/** The API again, once it is known that operators are there: without, every wait would be in vain. */
export async function installedApi(): Promise<HttpKubeApi> {
  const api = await kubeApi();
  const name = `${release}-operator`;
  const replicas = await replicasOf(api, { namespace: systemNamespace, name });
  if ((replicas?.ready ?? 0) > 0) return api;
  await api.close();
  throw new Error(`the chart is not installed, or no pod of ${name} is ready`);
}

/** A namespace that lets only restricted pods in, with the backends Secret. */
export async function preparedNamespace(name: string): Promise<void> {
  await apply(restrictedNamespace(name));
  await apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'millrace-backends', namespace: name },
    stringData: suite().backends,
  });
}

/** A claim on a folder of this host. */
export async function claim(namespace: string, name: string, folder: string): Promise<void> {
  const objects = folderClaim({ namespace, name, folder });
  await commands.applyClaim(suite().tools, { namespace, name, objects });
}

export interface Rows extends AsyncDisposable {
  query<T extends object>(sql: string, values?: readonly unknown[]): Promise<readonly T[]>;
}

/** Postgres as the owner of the tables. */
export async function rows(): Promise<Rows> {
  const client = new Client({ connectionString: suite().postgres.ownerUrl });
  client.on('error', () => undefined);
  await client.connect();
  return {
    query: async <T extends object>(sql: string, values: readonly unknown[] = []) =>
      (await client.query<T>(sql, [...values])).rows,
    [Symbol.asyncDispose]: async () => client.end(),
  };
}
