/**
 * Decides once how the source is read: identity, dialect, header and columns.
 *
 * The head is read again in larger pieces until the header record is whole. Nothing here writes; the
 * caller pins the result in the ledger, and every later start reads it from there.
 */
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import { identifyFile, readRange, type FileIdentity } from '../../connectors/volume/file.ts';
import type { Dialect, FormatSpec } from '../../csv/dialect.ts';
import { readHeader, type Header } from '../../csv/header.ts';
import { sniff } from '../../csv/sniff.ts';
import { ImportFailed } from '../failed.ts';
import type { ColumnPlan, Sink } from '../load/sink-port.ts';

const headBytes = 1_048_576;

export interface SourcePin {
  readonly source: FileIdentity;
  readonly dialect: Dialect;
  readonly confidence: number;
  readonly header: Header;
  readonly columns: ColumnPlan;
}

export async function decideSource(config: CsvImportPodConfig, sink: Sink): Promise<SourcePin> {
  const at = config.source.volume;
  const source = await identifyFile(at);
  const read = (length: number): Promise<Buffer> =>
    readRange(at, source, { offset: 0, length: Math.min(length, source.size) });

  const head = await read(headBytes);
  const { dialect, confidence, width } = sniff(head, formatOf(config), {
    isWholeFile: head.length === source.size,
  });
  const header = await wholeHeader(head, dialect, { config, source, read });
  if (source.size === 0 && config.columns === undefined) {
    throw new ImportFailed(
      'EmptySource',
      `The file ${at.path} is empty and no columns are listed, so there is no table to make. List columns, or create a new import when the file has a header.`,
    );
  }
  return { source, dialect, confidence, header, columns: sink.resolveColumns(header.names, width) };
}

interface HeaderSource {
  readonly config: CsvImportPodConfig;
  readonly source: FileIdentity;
  readonly read: (length: number) => Promise<Buffer>;
}

/** A header that reaches to the end of what was read may go on: read more, up to the longest record. */
async function wholeHeader(
  head: Buffer,
  dialect: Dialect,
  { config, source, read }: HeaderSource,
): Promise<Header> {
  for (let bytes = head; ; bytes = await read(bytes.length * 4)) {
    const header = readHeader(bytes, dialect);
    if (header.dataStart < bytes.length || bytes.length === source.size) return header;
    if (bytes.length > headBytes + config.maxRecordBytes) {
      throw new ImportFailed(
        'HeaderTooLong',
        `The header of ${config.source.volume.path} is longer than maxRecordBytes. If the first record is data, set format.header to Absent.`,
      );
    }
  }
}

function formatOf(config: CsvImportPodConfig): FormatSpec {
  return config.format;
}
