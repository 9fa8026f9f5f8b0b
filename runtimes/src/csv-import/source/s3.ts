/** An object of an S3 store as the source of an import; address and keys are in the backends Secret. */
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import { assert } from '@millrace/kit/fault';
import type { BackendUrls } from '../../connectors/backend-urls.ts';
import { s3Connections, type S3Settings } from '../../connectors/s3/client.ts';
import {
  checkObject,
  identifyObject,
  labelOf,
  readObjectBlocks,
  readObjectRange,
  type S3Place,
} from '../../connectors/s3/object.ts';
import type { SourceSurroundings } from './open-source.ts';
import type { S3Identity, Transport, StoredIdentity } from './source.ts';

export function s3Source(
  object: NonNullable<CsvImportPodConfig['source']['s3']>,
  { urls, clock }: SourceSurroundings,
): Transport {
  const place: S3Place = { ...object, clock, connect: s3Connections(() => settingsOf(urls)) };
  const check = async (pinned: StoredIdentity): Promise<void> =>
    await checkObject(place, ofS3(pinned));
  return {
    label: labelOf(object),
    identify: async (signal) => ({ kind: 's3', ...(await identifyObject(place, signal)) }),
    check,
    // The ETag stands for the content already.
    checkThoroughly: check,
    readRange: async (pinned, range) => await readObjectRange(place, ofS3(pinned), range),
    readBlocks: (pinned, options) => readObjectBlocks(place, ofS3(pinned), options),
  };
}

function settingsOf(urls: BackendUrls): S3Settings {
  return {
    endpoint: urls.need('S3_ENDPOINT'),
    region: urls.need('S3_REGION'),
    accessKeyId: urls.need('S3_ACCESS_KEY_ID'),
    secretAccessKey: urls.need('S3_SECRET_ACCESS_KEY'),
    caBundle: urls.find('CA_BUNDLE'),
  };
}

/** The source of an import is immutable, so a pin of another kind cannot come from this one. */
function ofS3(pinned: StoredIdentity): S3Identity {
  assert(pinned.kind === 's3', 'an object was pinned');
  return pinned;
}
