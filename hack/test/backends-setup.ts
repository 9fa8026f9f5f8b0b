/**
 * Starts the backends once for a test run, if the run has service tests, and tells every test process
 * where they are. Runs that overlap on one checkout share the servers; the last one ends them.
 *
 * MILLRACE_TEST_POSTGRES_URL, MILLRACE_TEST_POSTGRES_OWNER_URL, MILLRACE_TEST_REDIS_URL and
 * MILLRACE_TEST_RABBITMQ_URL name servers to use instead, MILLRACE_TEST_S3_ENDPOINT with _REGION,
 * _ACCESS_KEY_ID and _SECRET_ACCESS_KEY a store, which is started for its own suites only. The variables without TEST are not read:
 * a developer's running system is no place for tests. Where a backend cannot be had its suites are
 * skipped with the reason; with CI=true that is a failure.
 */
import { fileURLToPath } from 'node:url';

import type { TestProject } from 'vitest/node';

import type { ProvidedBackends } from '../../runtimes/test/provided.ts';
import {
  allBackendNames,
  backendNames,
  type BackendName,
  type RunningBackend,
} from '../backends/backend.ts';
import { startBackends } from '../backends/resolve.ts';

const stateDir = fileURLToPath(new URL('../../.millrace/test', import.meta.url));

function environment(): Record<string, string | undefined> {
  const env = { ...process.env };
  for (const key of ['POSTGRES', 'POSTGRES_OWNER', 'REDIS', 'RABBITMQ']) {
    env[`MILLRACE_${key}_URL`] = process.env[`MILLRACE_TEST_${key}_URL`];
  }
  for (const key of ['ENDPOINT', 'REGION', 'ACCESS_KEY_ID', 'SECRET_ACCESS_KEY']) {
    env[`MILLRACE_S3_${key}`] = process.env[`MILLRACE_TEST_S3_${key}`];
  }
  return env;
}

/** The suites that use the shared backends; those under hack start servers of their own, but for these. */
const isShared = (path: string): boolean =>
  !path.includes('/hack/') || /\/hack\/(browser|images|proxy|millrace\/replay-import)\b/.test(path);

async function serviceTests(project: TestProject): Promise<readonly string[]> {
  // Filters of the command line are not part of the public interface; without them all files count.
  const filters: unknown = Reflect.get(project.vitest, 'filenamePattern');
  const names = Array.isArray(filters) ? filters.map(String) : [];
  const { testFiles } = await project.globTestFiles(names);
  return testFiles.filter((path) => path.endsWith('.service.test.ts') && isShared(path));
}

function provided(
  started: ReadonlyMap<BackendName, RunningBackend>,
  missing: Readonly<Record<string, string>>,
): ProvidedBackends {
  const [postgres, redis, rabbitmq] = backendNames.map((name) => started.get(name));
  const url = postgres?.url ?? '';
  const store = started.get('s3');
  return {
    missing,
    ...(postgres === undefined
      ? {}
      : { postgres: { ownerUrl: postgres.extra.ownerUrl ?? url, appUrl: url } }),
    ...(redis === undefined ? {} : { redis: { url: redis.url } }),
    ...(rabbitmq === undefined ? {} : { rabbitmq: { url: rabbitmq.url } }),
    ...(store?.extra.s3 === undefined ? {} : { s3: { endpoint: store.url, ...store.extra.s3 } }),
  };
}

/** The name vitest looks for; returns what runs at the end. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const suites = await serviceTests(project);
  const started = new Map<BackendName, RunningBackend>();
  const missing: Record<string, string> = {};
  const startOne = async (name: BackendName): Promise<void> => {
    try {
      const env = environment();
      const options = { stateDir, env, fresh: 'if-unused', log: console.error } as const;
      for (const [key, backend] of await startBackends([name], options)) started.set(key, backend);
    } catch (error) {
      missing[name] = error instanceof Error ? error.message : String(error);
    }
  };
  const isStoreAsked = suites.some((path) => /\bs3\b/.test(path));
  const names = isStoreAsked ? allBackendNames : backendNames;
  if (suites.length > 0) await Promise.all(names.map(startOne));

  const reasons = Object.values(missing);
  const stop = async (): Promise<void> => {
    await Promise.all([...started.values()].map(async (backend) => backend.stop()));
  };
  if (reasons.length > 0 && process.env['CI'] === 'true') {
    await stop();
    throw new Error(`service tests cannot run:\n${reasons.join('\n')}`);
  }
  for (const reason of reasons) {
    console.error(`some of ${String(suites.length)} service suites are skipped: ${reason}`);
  }
  project.provide('backends', provided(started, missing));
  return stop;
}
