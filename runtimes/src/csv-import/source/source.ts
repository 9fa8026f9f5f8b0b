/**
 * The port through which an import reads its source, whatever holds the bytes.
 *
 * A source has an identity that is pinned in the ledger once. Every byte that is handed out
 * afterwards belongs to exactly that version, or the call throws SourceChanged: rows of two versions
 * never meet in a table. Adapters bound their own time and memory; what may get better by waiting is
 * Transient, what needs a person is Permanent, both with the label and never with credentials.
 */
import type { RangedContent, StreamedContent } from '../../connectors/http/resource.ts';
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

/** A content on a web server, in the one version that its strong ETag names. */
export type HttpIdentity = RangedContent;

/** What a transport can read in ranges, or, of a web server without them, from its start only. */
export type StoredIdentity = VolumeIdentity | S3Identity | HttpIdentity | StreamedContent;

/**
 * What can be read from its start only, because it is compressed or its server has no ranges. Offsets
 * are those of what is read, that is, of the inflated bytes.
 */
export interface SequentialIdentity {
  readonly kind: 'sequential';
  readonly why: 'Gzip' | StreamedContent['why'];
  /** As it is stored; 0 where nobody says it before the end. How much it inflates to is not known. */
  readonly size: number;
  readonly of: StoredIdentity;
  /** The beginning of what is read, compared at each opening. */
  readonly head: { readonly bytes: number; readonly sha256: string };
}

/** As the ledger keeps it, in JSON. `size` is that of the object as it is stored. */
export type SourceIdentity = VolumeIdentity | S3Identity | HttpIdentity | SequentialIdentity;

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

interface Reading<Identity> {
  /** For messages; without credentials and query strings. */
  readonly label: string;
  /** What the source is now. */
  identify(signal?: AbortSignal): Promise<Identity>;
  /** Throws SourceChanged unless the pinned version is still there; cheap, asked every few seconds. */
  check(pinned: Identity): Promise<void>;
  /** The same as thoroughly as the source can tell; asked once, at the end. */
  checkThoroughly(pinned: Identity): Promise<void>;
  /** The bytes of a range of the pinned version, all of them. */
  readRange(pinned: Identity, range: SourceRange): Promise<Buffer>;
  /** Reads on from an offset to the end, in blocks. */
  readBlocks(pinned: Identity, options: BlocksFrom): AsyncGenerator<Buffer, void, undefined>;
}

/** What holds the bytes. A stream of it is read by blocks from offset 0 only. */
export type Transport = Reading<StoredIdentity>;

export interface SourceStart {
  readonly bytes: Buffer;
  /** Whether the source ends with them. */
  readonly isWhole: boolean;
}

export interface Source extends Reading<SourceIdentity> {
  /** The first bytes, fewer than asked for only if there are no more. */
  readStart(pinned: SourceIdentity, bytes: number): Promise<SourceStart>;
  /** How many bytes can be read in all; of a sequential source it reads on to the end. */
  lengthOf(pinned: SourceIdentity): Promise<number>;
  /**
   * How far the last `readBlocks` of a sequential source has come: in what is stored, and in what is
   * read.
   */
  progress?(): { readonly stored: number; readonly read: number };
}
