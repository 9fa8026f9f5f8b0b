/**
 * Where a command has the keys of sealed columns from: a mounted backends Secret (--backends), else
 * MILLRACE_SEALING_KEYS, else what play gave to its pods.
 */
import { systemClock } from '@millrace/kit/clock';
import { backendUrls } from '@millrace/runtimes/connectors/backend-urls';
import { keyRingReader, type KeyRingReader } from '@millrace/runtimes/sealing/key-ring';
import { environment } from './environment.ts';
import type { ImportSource } from './import-source.ts';

export function sealingPlace(
  { backends }: { readonly backends?: string },
  { savedKeys }: Pick<ImportSource, 'savedKeys'>,
): KeyRingReader {
  const mounted = backends === undefined ? undefined : backendUrls(backends, {});
  const read = (): string | undefined =>
    mounted?.find('SEALING_KEYS') ?? environment()['MILLRACE_SEALING_KEYS'] ?? savedKeys;
  return keyRingReader({ read, clock: systemClock });
}
