/**
 * The port through which an import reads its source, whatever holds the bytes.
 *
 * A source has an identity that is pinned in the ledger once. Every byte that is handed out
 * afterwards belongs to exactly that version, or the call throws SourceChanged: rows of two versions
 * never meet in a table. Adapters bound their own time and memory; what may get better by waiting is
 * Transient, what needs a person is Permanent, both with the label and never with credentials.
 */
import type { FileIdentity } from '../../connectors/volume/file.ts';

/** A file on a volume. Ledgers of older versions hold it without a kind. */
export interface VolumeIdentity extends FileIdentity {
  readonly kind?: 'volume';
}

/** An object of an S3 store, in one version. */
export interface S3Identity {
  readonly kind: 's3';
  readonly size: number;
  readonly etag: string;
  /** Where the bucket keeps versions: it stays readable when a newer one comes. */
  readonly versionId?: string;
}

/** As the ledger keeps it, in JSON. `size` is that of the object as it is stored. */
export type SourceIdentity = VolumeIdentity | S3Identity;

export interface SourceRange {
  readonly offset: number;
  readonly length: number;
  /**
   * Memory to read into, if it is large enough. After a failure it is the source's: a read that was
   * given up may still write into it, so it must never be used again.
   */
  readonly into?: Buffer | undefined;
}

export interface BlocksFrom {
  readonly from: number;
  readonly blockBytes: number;
}

export interface Source {
  /** For messages; without credentials and query strings. */
  readonly label: string;
  /** What the source is now. */
  identify(signal?: AbortSignal): Promise<SourceIdentity>;
  /** Throws SourceChanged unless the pinned version is still there; cheap, asked every few seconds. */
  check(pinned: SourceIdentity): Promise<void>;
  /** The same as thoroughly as the source can tell; asked once, at the end. */
  checkThoroughly(pinned: SourceIdentity): Promise<void>;
  /** The bytes of a range of the pinned version, all of them. */
  readRange(pinned: SourceIdentity, range: SourceRange): Promise<Buffer>;
  /** Reads on from an offset to the end, in blocks. */
  readBlocks(pinned: SourceIdentity, options: BlocksFrom): AsyncGenerator<Buffer, void, undefined>;
}
