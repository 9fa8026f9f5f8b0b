/**
 * A content on a web server as the source of an import.
 *
 * Whether it can be read in ranges is known once it was looked at; the pinned identity says it ever
 * after. The server is asked for the version only now and then: it may be anybody's, and what reads
 * ranges notices another version at once.
 */
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import { assert } from '@millrace/kit/fault';
import { Permanent } from '@millrace/kit/permanent';
import { Transient } from '@millrace/kit/transient';
import { httpPlace, type Patience } from '../../connectors/http/client.ts';
import { sourceChanged } from '../../connectors/http/failures.ts';
import { readBlocks, readRange } from '../../connectors/http/range-reader.ts';
import {
  checkContent,
  identifyContent,
  isSameContent,
  openStream,
  type RangedContent,
  type StreamedContent,
} from '../../connectors/http/resource.ts';
import type { ByteStream } from './byte-stream.ts';
import type { SourceSurroundings } from './open-source.ts';
import type { StoredIdentity, Transport } from './source.ts';

const checkEveryMs = 20_000;

export function httpSource(
  { url }: NonNullable<CsvImportPodConfig['source']['http']>,
  { urls, clock, patience }: SourceSurroundings & { readonly patience?: Patience },
): Transport {
  const place = httpPlace({
    url,
    caBundle: () => urls.find('CA_BUNDLE'),
    ...(patience === undefined ? {} : { patience }),
  });
  const notTooOften = cutsCounter();
  let checkedMs = clock.monotonic();
  const compare = async (pinned: StoredIdentity): Promise<void> => {
    const content = ofHttp(pinned);
    if (content.kind === 'http') return await checkContent(place, content);
    const now = await identifyContent(place);
    if (!isSameContent(content, now)) throw sourceChanged(place.label);
  };
  return {
    label: place.label,
    identify: async (signal) => await identifyContent(place, signal),
    check: async (pinned) => {
      if (clock.monotonic() - checkedMs < checkEveryMs) return;
      checkedMs = clock.monotonic();
      try {
        await compare(pinned);
      } catch (error) {
        // A server that has no time for this question is none that has another content.
        if (!(error instanceof Transient)) throw error;
      }
    },
    checkThoroughly: compare,
    readRange: async (pinned, range) => {
      const content = ofHttp(pinned);
      assert(content.kind === 'http', 'a stream has no ranges');
      return await readRange(place, content, { range, clock });
    },
    readBlocks: (pinned, options) => {
      const content = ofHttp(pinned);
      if (content.kind === 'http') return readBlocks(place, content, { ...options, clock });
      assert(options.from === 0, 'a stream is read from its start');
      return notTooOften(openStream(place, content), place.label);
    },
  };
}

/** The source of an import is immutable, so a pin of another kind cannot come from this one. */
function ofHttp(pinned: StoredIdentity): RangedContent | StreamedContent {
  assert(pinned.kind === 'http' || pinned.kind === 'http-stream', 'a web content was pinned');
  return pinned;
}

/** Each costs the server the whole content, and cuts by chance do not come at one byte. */
const cutsMax = 5;

/** Gives up a stream that ends at the same place again and again, whatever its server promises. */
function cutsCounter(): (stream: ByteStream, label: string) => ByteStream {
  let [lastAt, times] = [-1, 0];
  return async function* counted(stream, label) {
    let at = 0;
    try {
      for await (const piece of stream) {
        at += piece.length;
        yield piece;
      }
      [lastAt, times] = [-1, 0];
    } catch (error) {
      // Before the first byte nothing was ended at a place: the server is away, and is waited for.
      if (!(error instanceof Transient) || error.code !== 'SourceCut' || at === 0) throw error;
      times = at === lastAt ? times + 1 : 1;
      lastAt = at;
      if (times < cutsMax) throw error;
      throw new Permanent(
        'SourceUnreadable',
        `${label} ended ${times} times after ${at} bytes, before its announced end. Repair the server or the file.`,
        { cause: error, backend: 'source' },
      );
    }
  };
}
