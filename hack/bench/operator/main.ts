/**
 * `npm run bench -- operator`: the operator as a process against a real API server, measured against
 * the bars of its page. See README.md.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { systemClock } from '@millrace/kit/clock';
import { loadConnection } from '@millrace/operator/kube/connection';
import { createHttpApi } from '@millrace/operator/kube/http-api';
import { startControlPlane, type ControlPlane } from '../../cluster/control-plane.ts';
import { crdManifests } from '../../cluster/manifests.ts';
import { machineLines } from '../machine.ts';
import { header, line, type Result } from '../result.ts';
import type { Bench } from './bench.ts';
import { measureColdStart } from './cold.ts';
import { measureFailover } from './failover.ts';
import { measureIdle } from './idle.ts';
import { createImports, createSurroundings } from './imports.ts';
import { measureLoad } from './load.ts';
import { parseOptions, type BenchOptions, type MeasurementName } from './options.ts';
import { measurePolls } from './polls.ts';
import { measureTransport } from './transport.ts';

/** In this order: the first creates what the others need. */
const measurements: readonly [MeasurementName, (bench: Bench) => Promise<readonly Result[]>][] = [
  ['transport', measureTransport],
  ['load', measureLoad],
  ['cold', measureColdStart],
  ['idle', measureIdle],
  ['failover', measureFailover],
  ['polls', measurePolls],
];

export async function benchOfOperator(args: readonly string[]): Promise<number> {
  const parsed = parseOptions(args);
  if (!parsed.ok) return parsed.exitCode;
  const { options } = parsed;
  const folder = resolve(options.state);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const log = (text: string): void => console.error(text);
  console.log(machineLines('operator', args).join('\n'));
  const controlPlane = await startControlPlane({
    tier: 'a',
    stateDir: join(folder, 'cluster'),
    manifests: await crdManifests(),
    env: process.env,
    log,
  });
  try {
    return await measureAll({ options, folder, controlPlane, log });
  } finally {
    await controlPlane.stop();
  }
}

interface Surroundings extends Omit<Bench, 'api'> {
  readonly controlPlane: ControlPlane;
  readonly options: BenchOptions;
}

async function measureAll(surroundings: Surroundings): Promise<number> {
  const { controlPlane, options, log } = surroundings;
  const connection = await loadConnection({ kubeconfig: controlPlane.kubeconfig, env: {} });
  const api = createHttpApi({ connection, clock: systemClock });
  const bench: Bench = { ...surroundings, api };
  try {
    await createSurroundings(api);
    if (!options.only.includes('load')) await createImports(api, options.imports);
    console.log(`\n${header.join('\n')}`);
    let isMet = true;
    for (const [name, measure] of measurements) {
      if (!options.only.includes(name)) continue;
      log(`${name} …`);
      for (const result of await measure(bench)) {
        console.log(line(result));
        isMet &&= result.met !== false;
      }
    }
    return isMet ? 0 : 1;
  } finally {
    await api.close();
  }
}
