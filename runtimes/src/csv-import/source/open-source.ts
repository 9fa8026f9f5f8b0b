/** Opens the one source that a configuration names. Nothing is read or connected yet. */
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import type { Clock } from '@millrace/kit/clock';
import { Permanent } from '@millrace/kit/permanent';
import type { BackendUrls } from '../../connectors/backend-urls.ts';
import { httpSource } from './http.ts';
import { s3Source } from './s3.ts';
import { sourceOf } from './sequential-source.ts';
import type { Source, Transport } from './source.ts';
import { volumeSource } from './volume.ts';

export interface SourceSurroundings {
  /** Keys of the backends Secret, read at each use. */
  readonly urls: BackendUrls;
  readonly clock: Clock;
}

export function openSource(
  { compression = 'Auto', ...places }: CsvImportPodConfig['source'],
  surroundings: SourceSurroundings,
): Source {
  return sourceOf(transportOf(places, surroundings), compression);
}

function transportOf(
  { volume, s3, http }: CsvImportPodConfig['source'],
  surroundings: SourceSurroundings,
): Transport {
  if (volume !== undefined) return volumeSource(volume);
  if (s3 !== undefined) return s3Source(s3, surroundings);
  if (http !== undefined) return httpSource(http, surroundings);
  // Written by a newer operator: its pods are of its own image, so this is a configuration by hand.
  throw new Permanent('BadConfiguration', 'The configuration names no source that is known here.');
}
