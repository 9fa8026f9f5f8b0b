/**
 * The source of an import, read from this host: a folder that stands for the claim, an address of
 * the web, or a store.
 *
 * Where a store is: a mounted backends Secret (--backends), MILLRACE_S3_ENDPOINT with its region and
 * keys, and last the state folder of play, whose own store is started for the time of the command.
 */
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { systemClock } from '@millrace/kit/clock';
import { exitCode } from '@millrace/kit/exit-code';
import { backendUrls, type BackendUrls } from '@millrace/runtimes/connectors/backend-urls';
import { openSource } from '@millrace/runtimes/csv-import/source/open-source';
import type { Source } from '@millrace/runtimes/csv-import/source/source';
import type { RunningBackend } from '../backends/backend.ts';
import { startBackends } from '../backends/resolve.ts';
import { storeKeys } from '../play/backends-secret.ts';
import { statePaths } from '../play/state/paths.ts';
import { badUsage, CommandFailure } from './ending.ts';
import { environment } from './environment.ts';
import type { ImportSource } from './import-source.ts';
import { storeKeysGiven } from './store-keys.ts';

export interface SourceFlags {
  readonly backends?: string;
  readonly state: string;
}

export interface SourceRequest {
  readonly it: ImportSource;
  readonly flags: SourceFlags;
  /** Progress of a store that has to be started. */
  readonly log: (line: string) => void;
}

export interface SourcePlace extends AsyncDisposable {
  readonly source: Source;
}

export async function sourcePlace(request: SourceRequest): Promise<SourcePlace> {
  const { source: place, backendsDir } = request.it.config;
  const store = place.s3 === undefined ? undefined : await ownStore(request);
  const urls =
    store === undefined ? givenKeys(request) : backendUrls(backendsDir, storeKeys(store));
  return {
    source: openSource(place, { urls, clock: systemClock }),
    [Symbol.asyncDispose]: async () => store?.stop(),
  };
}

function givenKeys({ it, flags }: SourceRequest): BackendUrls {
  return storeKeysGiven(flags.backends ?? it.config.backendsDir);
}

/** Undefined where a store is given. */
async function ownStore(request: SourceRequest): Promise<RunningBackend | undefined> {
  const { flags, log } = request;
  const env = environment();
  if (givenKeys(request).find('S3_ENDPOINT') !== undefined) return undefined;
  const stateDir = statePaths(resolve(flags.state)).backends;
  if (!(await isFolder(join(stateDir, 's3', 'data')))) {
    throw badUsage(
      'which S3 store? Give MILLRACE_S3_ENDPOINT, MILLRACE_S3_REGION, MILLRACE_S3_ACCESS_KEY_ID and MILLRACE_S3_SECRET_ACCESS_KEY, or a mounted Secret with --backends',
    );
  }
  const started = await startBackends(['s3'], { stateDir, env, log }).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandFailure(exitCode.tryAgain, why, { cause: error });
  });
  return started.get('s3');
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (status) => status.isDirectory(),
    () => false,
  );
}
