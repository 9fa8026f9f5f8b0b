/** A file on a mounted volume as the source of an import. */
import { assert } from '@millrace/kit/fault';
import { sourceChanged } from '../../connectors/volume/failures.ts';
import {
  checkFile,
  identifyFile,
  readBlocks,
  readRange,
  type VolumePath,
} from '../../connectors/volume/file.ts';
import type { Transport, StoredIdentity, VolumeIdentity } from './source.ts';

export function volumeSource(at: VolumePath): Transport {
  return {
    label: at.path,
    identify: async () => await identifyFile(at),
    check: async (pinned) => await checkFile(at, ofVolume(pinned)),
    checkThoroughly: async (pinned) => {
      const { size, modifiedNs, digest } = ofVolume(pinned);
      const now = await identifyFile(at);
      const isSame = now.size === size && now.modifiedNs === modifiedNs && now.digest === digest;
      if (!isSame) throw sourceChanged(at.path);
    },
    readRange: async (pinned, range) => await readRange(at, ofVolume(pinned), range),
    readBlocks: (pinned, options) => readBlocks(at, ofVolume(pinned), options),
  };
}

/** The source of an import is immutable, so a pin of another kind cannot come from this one. */
function ofVolume(pinned: StoredIdentity): VolumeIdentity {
  assert(pinned.kind === undefined || pinned.kind === 'volume', 'a file was pinned');
  return pinned;
}
