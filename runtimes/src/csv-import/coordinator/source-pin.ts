/**
 * Decides once how the source is read: identity, dialect, header and columns.
 *
 * The head is read again in larger pieces until the header record is whole. Nothing here writes; the
 * caller pins the result in the ledger, and every later start reads it from there.
 */
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import type { Dialect, FormatSpec } from '../../csv/dialect.ts';
import { readHeader, type Header } from '../../csv/header.ts';
import { sniff } from '../../csv/sniff.ts';
import { ImportFailed } from '../failed.ts';
import type { ColumnPlan, Sink } from '../load/sink-port.ts';
import type { Source, SourceIdentity } from '../source/source.ts';

const headBytes = 1_048_576;

export interface SourcePin {
  readonly pinned: SourceIdentity;
  readonly dialect: Dialect;
  readonly confidence: number;
  readonly header: Header;
  readonly columns: ColumnPlan;
}

export interface SourceToDecide {
  readonly config: CsvImportPodConfig;
  readonly sink: Sink;
  readonly source: Source;
}

export async function decideSource({ config, sink, source }: SourceToDecide): Promise<SourcePin> {
  const pinned = await source.identify();
  const read = (length: number): Promise<Buffer> =>
    source.readRange(pinned, { offset: 0, length: Math.min(length, pinned.size) });

  const head = await read(headBytes);
  const { dialect, confidence, width } = sniff(head, formatOf(config), {
    isWholeFile: head.length === pinned.size,
  });
  const header = await wholeHeader(head, dialect, { config, source, pinned, read });
  if (pinned.size === 0 && config.columns === undefined) {
    throw new ImportFailed(
      'EmptySource',
      `${source.label} is empty and no columns are listed, so there is no table to make. List columns, or create a new import when the file has a header.`,
    );
  }
  return { pinned, dialect, confidence, header, columns: sink.resolveColumns(header.names, width) };
}

interface HeaderSource {
  readonly config: CsvImportPodConfig;
  readonly source: Source;
  readonly pinned: SourceIdentity;
  readonly read: (length: number) => Promise<Buffer>;
}

/** A header that reaches to the end of what was read may go on: read more, up to the longest record. */
async function wholeHeader(
  head: Buffer,
  dialect: Dialect,
  { config, source, pinned, read }: HeaderSource,
): Promise<Header> {
  for (let bytes = head; ; bytes = await read(bytes.length * 4)) {
    const header = readHeader(bytes, dialect);
    if (header.dataStart < bytes.length || bytes.length === pinned.size) return header;
    if (bytes.length > headBytes + config.maxRecordBytes) {
      throw new ImportFailed(
        'HeaderTooLong',
        `The header of ${source.label} is longer than maxRecordBytes. If the first record is data, set format.header to Absent.`,
      );
    }
  }
}

function formatOf(config: CsvImportPodConfig): FormatSpec {
  return config.format;
}
