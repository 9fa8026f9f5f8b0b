/**
 * One run of play: manifests in, a summary and an exit code out.
 *
 * Order matters in three places. Everything that can be refused is refused before anything starts.
 * Backends, which take longest, start beside the rest. Uids are on disk before the operator may act
 * on them, so that a kill at any later point resumes the same imports.
 */
import { mkdir, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { BackendName, RunningBackend } from '../backends/backend.ts';
import { startBackends } from '../backends/resolve.ts';
import { applyManifests } from './apply-manifests.ts';
import { backendsSecret, neededBackends } from './backends-secret.ts';
import { checkClaims, claimOf } from './claims.ts';
import { repository, startLocalCluster, type LocalCluster } from './local-cluster.ts';
import { manifestProblems } from './manifest-problems.ts';
import { loadManifests, nameOf, type Manifest } from './manifests.ts';
import type { PlayRun } from './play-run.ts';
import { Refusal } from './refusal.ts';
import { ensureSample, sampleRows } from './sample.ts';
import { ensureObjects } from './sample-object.ts';
import { serveSample, type ServedFile } from './sample-server.ts';
import { interruptedExitCode, runSession } from './session.ts';
import { playSecrets } from './state/secrets.ts';
import { statePaths, type StatePaths } from './state/paths.ts';
import { saveClaims } from './state/saved-claims.ts';
import { ensureStateFolder } from './state/state-folder.ts';
import { withStateLock } from './state/state-lock.ts';
import { endOrphans } from './supervisor/orphans.ts';
import type { Screen } from './view/screen.ts';

const examples = join(repository, 'crds/examples');
const exampleManifest = join(examples, 'csv-import.yaml');
/** The claim that the examples read their file from. */
const sampleClaim = 'data';
const runtimesMain = join(repository, 'runtimes/src/main.ts');

interface Prepared {
  readonly manifests: readonly Manifest[];
  readonly claims: ReadonlyMap<string, string>;
  readonly paths: StatePaths;
  readonly usesSample: boolean;
}

export async function play(run: PlayRun): Promise<number> {
  const prepared = await prepare(run);
  return withStateLock(prepared.paths.lock, async () => runPrepared(run, prepared));
}

/** Everything that can be refused without starting anything. */
async function prepare({ options }: PlayRun): Promise<Prepared> {
  const paths = statePaths(resolve(options.state));
  const given = options.manifests.length === 0 ? [exampleManifest] : options.manifests;
  const manifests = await loadManifests(given);
  const problems = manifests.map((manifest) => ({ manifest, lines: manifestProblems(manifest) }));
  const wrong = problems.filter(({ lines }) => lines.length > 0);
  if (wrong.length > 0) {
    throw new Refusal(wrong.flatMap(({ lines }) => lines).join('\n'), {
      resources: wrong.map(({ manifest, lines }) => {
        const { kind, metadata } = manifest.object;
        const { namespace, name } = metadata;
        return { kind, namespace, name, error: lines.join('\n') };
      }),
    });
  }
  // Our own examples import the sample; whoever brings a manifest brings the files too.
  const usesSample =
    !options.volumes.has(sampleClaim) &&
    given.every(isExample) &&
    manifests.some((manifest) => claimOf(manifest)?.name === sampleClaim);
  await ensureStateFolder(paths.root);
  const sampleFolder = join(paths.volumes, sampleClaim);
  if (usesSample) await mkdir(sampleFolder, { recursive: true, mode: 0o700 });
  const sample = usesSample ? [[sampleClaim, sampleFolder] as const] : [];
  const claims = new Map([...sample, ...options.volumes]);
  await checkClaims(manifests, claims);
  return { manifests, claims, paths, usesSample };
}

function isExample(path: string): boolean {
  return dirname(resolve(path)) === examples;
}

async function runPrepared(run: PlayRun, prepared: Prepared): Promise<number> {
  const { options, env, screen, signal } = run;
  const { manifests, claims, paths } = prepared;
  const log = (line: string): void => screen.line(line);
  const onError = errorTeller(screen);
  const needs = neededBackends(manifests);
  const sampleFile = join(paths.volumes, sampleClaim, 'users.csv');
  const orphans = await endOrphans(paths.root);
  if (orphans > 0) log(`ended ${String(orphans)} processes that an earlier run left behind`);
  if (options.fresh) await rm(paths.objects, { force: true });
  const names = new Set(manifests.map(nameOf));
  const starting = {
    backends: startBackends(needs.names, {
      stateDir: paths.backends,
      env,
      fresh: options.fresh,
      keep: options.keep,
      log,
      signal,
    }),
    cluster: startLocalCluster({
      paths,
      env,
      claims,
      program: run.program ?? [runtimesMain],
      isNamed: (object) => names.has(nameOf({ object })),
      onError,
    }),
    sample: prepared.usesSample
      ? ensureSample(sampleFile, { rows: sampleRows, log, signal })
      : Promise.resolve(),
  };
  // None may be left behind running while another has failed.
  await Promise.allSettled(Object.values(starting));
  let cluster: LocalCluster | undefined;
  let backends: ReadonlyMap<BackendName, RunningBackend> = new Map();
  let served: ServedFile | undefined;
  try {
    cluster = await starting.cluster;
    backends = await starting.backends.catch(cannotHave);
    await starting.sample;
    await ensureObjects({ manifests, store: backends.get('s3'), file: sampleFile, log, signal });
    served = await serveSample({ manifests, file: sampleFile, log, signal });
    run.onKill(() => cluster?.kill());
    const known = { ...env, ...(await playSecrets(paths.secrets, env)) };
    const secrets = needs.namespaces.map((namespace) => backendsSecret(namespace, backends, known));
    await applyManifests(cluster.api, { manifests, secrets, claims, log });
    await saveClaims(paths.claims, claims);
    await cluster.saver.flush();
    return await runSession({ run, manifests, paths, cluster, backends, onError });
  } catch (error) {
    if (signal.aborted) return interruptedExitCode;
    throw error;
  } finally {
    screen.close();
    await cluster?.stop();
    await served?.[Symbol.asyncDispose]();
    await Promise.allSettled([...backends.values()].map(async (backend) => backend.stop()));
  }
}

function cannotHave(error: unknown): never {
  throw new Refusal(error instanceof Error ? error.message : String(error), { cause: error });
}

/** A loop that fails is tried again and again; the same failure is told once. */
function errorTeller(screen: Screen): (error: unknown) => void {
  let last = '';
  return (error) => {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    if (text !== last) screen.line(`play: ${text}`);
    last = text;
  };
}
