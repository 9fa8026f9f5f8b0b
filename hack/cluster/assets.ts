/**
 * Finds the programs of a control plane: a folder named by KUBEBUILDER_ASSETS, else the cache, else
 * a build with Go into the cache. Which one was taken, and why not the ones before, is printed.
 */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';

import type { Installation } from '../backends/backend.ts';
import { run } from '../backends/command.ts';
import { ownBinaries, programNames, type BuildOptions, type ProgramName } from './build.ts';

/**
 * A: etcd and the API server. B: also the controller manager and the scheduler. C: also nodes whose
 * pods run by word alone. D: as B, and a node that runs containers.
 */
export type Tier = 'a' | 'b' | 'c' | 'd';
export const tiers: readonly Tier[] = ['a', 'b', 'c', 'd'];

const apiTier: readonly ProgramName[] = ['etcd', 'kube-apiserver', 'kubectl'];
const controllers: readonly ProgramName[] = ['kube-controller-manager', 'kube-scheduler'];
const neededBy: Readonly<Record<Tier, readonly ProgramName[]>> = {
  a: apiTier,
  b: [...apiTier, ...controllers],
  c: [...apiTier, ...controllers],
  d: programNames,
};

const variable = 'KUBEBUILDER_ASSETS';

async function lacking(folder: string, tier: Tier): Promise<readonly ProgramName[]> {
  const missing: ProgramName[] = [];
  for (const name of neededBy[tier]) {
    await access(join(folder, name), constants.X_OK).catch(() => missing.push(name));
  }
  return missing;
}

async function installation(
  folder: string,
  origin: 'path' | 'cache',
  env: BuildOptions['env'],
): Promise<Installation> {
  const answer = await run(join(folder, 'kube-apiserver'), ['--version'], { env });
  return {
    origin,
    version: answer.trim(),
    place: folder,
    programs: Object.fromEntries(programNames.map((name) => [name, join(folder, name)])),
    env: {},
  };
}

/** This host has no programs and cannot build them; its message says what to do about it. */
export class NoPrograms extends Error {}

export async function findPrograms(tier: Tier, options: BuildOptions): Promise<Installation> {
  const { env, log } = options;
  const reasons: string[] = [];
  const given = env[variable] ?? '';
  const missing = given === '' ? [] : await lacking(given, tier);
  if (given !== '' && missing.length === 0) {
    log(`programs from ${variable} (${given})`);
    return installation(given, 'path', env);
  }
  reasons.push(
    given === ''
      ? `${variable} is not set`
      : `${variable} (${given}) lacks ${missing.join(', ')}, which tier ${tier} needs`,
  );
  if (given !== '') log(`not from ${reasons.join('')}`);
  try {
    const { folder, isBuilt } = await ownBinaries(options);
    log(`programs ${isBuilt ? 'built with Go into' : 'from'} the cache (${folder})`);
    return await installation(folder, 'cache', env);
  } catch (cause) {
    options.signal.throwIfAborted();
    reasons.push(cause instanceof Error ? cause.message : String(cause));
    throw new NoPrograms(
      `no Kubernetes programs can be had: ${reasons.join('; ')}. Install Go 1.25 or newer, or set ` +
        `${variable} to a folder with ${neededBy[tier].join(', ')}`,
      { cause },
    );
  }
}
