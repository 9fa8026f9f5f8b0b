/** Opens the one source that a configuration names. Nothing is read or connected yet. */
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import type { Clock } from '@millrace/kit/clock';
import type { BackendUrls } from '../../connectors/backend-urls.ts';
import type { Source } from './source.ts';
import { volumeSource } from './volume.ts';

export interface SourceSurroundings {
  /** Keys of the backends Secret, read at each use. */
  readonly urls: BackendUrls;
  readonly clock: Clock;
}

export function openSource(
  source: CsvImportPodConfig['source'],
  _surroundings: SourceSurroundings,
): Source {
  return volumeSource(source.volume);
}
