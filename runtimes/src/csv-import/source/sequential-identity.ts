/** Sources that can be read from their start only, and why, for people. */
import type { SequentialIdentity, SourceIdentity } from './source.ts';

export function isSequential(pinned: SourceIdentity): pinned is SequentialIdentity {
  return pinned.kind === 'sequential';
}

const reasons: Readonly<Record<SequentialIdentity['why'], string>> = {
  Gzip: 'the source is compressed with gzip',
  NoRanges: 'the server gives no ranges of the content',
  NoStrongETag: 'the server names no version of the content by a strong ETag',
};

/** Why the coordinator loads by itself. */
export function whySequential(pinned: SequentialIdentity): string {
  return `${reasons[pinned.why]}, so it is read from its start, by the coordinator itself`;
}
