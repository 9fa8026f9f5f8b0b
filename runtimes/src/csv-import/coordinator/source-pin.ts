/**
 * Decides once how the source is read: identity, dialect, header and columns.
 *
 * The dialect is found from the head and pieces from later in the file. The head is read again in
 * larger pieces until the header record is whole. Nothing here writes; the caller pins the result in
 * the ledger, and every later start reads it from there.
 */
import type { CsvImportPodConfig } from '@millrace/crds/csv-import';
import type { Dialect } from '../../csv/dialect.ts';
import { readHeader, type Header } from '../../csv/header.ts';
import type { Findings } from '../../csv/sniff-findings.ts';
import { probePlaces } from '../../csv/sniff-probes.ts';
import { sniff } from '../../csv/sniff.ts';
import { ImportFailed } from '../failed.ts';
import { hasSealed } from '../load/sealing.ts';
import type { ColumnPlan, Sink } from '../load/sink-port.ts';
import { isSequential } from '../source/sequential-identity.ts';
import type { Source, SourceIdentity, SourceStart } from '../source/source.ts';

const headBytes = 1_048_576;

export interface SourcePin {
  readonly pinned: SourceIdentity;
  readonly dialect: Dialect;
  readonly findings: Findings;
  readonly header: Header;
  readonly columns: ColumnPlan;
}

export interface SourceToDecide {
  readonly config: CsvImportPodConfig;
  readonly sink: Sink;
  readonly source: Source;
}

export async function decideSource({ config, sink, source }: SourceToDecide): Promise<SourcePin> {
  requireHeaderGiven(config);
  const pinned = await source.identify();
  const read = (length: number): Promise<SourceStart> => source.readStart(pinned, length);

  const start = await read(headBytes);
  const { bytes: head, isWhole: isWholeFile } = start;
  const { dialect, width, ...found } = sniff(head, config.format, {
    isWholeFile,
    probes: await readProbes(source, pinned),
  });
  const header = await wholeHeader(start, dialect, { config, source, read });
  if (head.length === 0 && config.columns === undefined) {
    throw new ImportFailed(
      'EmptySource',
      `${source.label} is empty and no columns are listed, so there is no table to make. List columns, or create a new import when the file has a header.`,
    );
  }
  const { confidence, reasons, ambiguous, runnerUp } = found;
  const findings = { confidence, reasons, ambiguous, runnerUp };
  return { pinned, dialect, findings, header, columns: sink.resolveColumns(header.names, width) };
}

/** The API server asks for it too, but not of resources that are older than its rule. */
function requireHeaderGiven({ columns, format }: CsvImportPodConfig): void {
  const isGiven = format.header === 'Present' || format.header === 'Absent';
  if (isGiven || !hasSealed(columns)) return;
  throw new ImportFailed(
    'HeaderUndecided',
    'A column is sealed, and the names in a header are stored as they are: a first record of data must not be taken for one. Create a new import with format.header Present or Absent.',
  );
}

/** One after the other: this is done once, and a source may count its connections. */
async function readProbes(source: Source, pinned: SourceIdentity): Promise<Buffer[]> {
  const probes: Buffer[] = [];
  // Places are counted from the end too, which a source without ranges does not have.
  if (isSequential(pinned)) return probes;
  for (const place of probePlaces(pinned.size, headBytes)) {
    probes.push(await source.readRange(pinned, place));
  }
  return probes;
}

interface HeaderSource {
  readonly config: CsvImportPodConfig;
  readonly source: Source;
  readonly read: (length: number) => Promise<SourceStart>;
}

/** A header that reaches to the end of what was read may go on: read more, up to the longest record. */
async function wholeHeader(
  head: SourceStart,
  dialect: Dialect,
  { config, source, read }: HeaderSource,
): Promise<Header> {
  for (let start = head; ; start = await read(start.bytes.length * 4)) {
    const { bytes, isWhole } = start;
    const header = readHeader(bytes, dialect);
    if (header.dataStart < bytes.length || isWhole) return header;
    if (bytes.length > headBytes + config.maxRecordBytes) {
      throw new ImportFailed(
        'HeaderTooLong',
        `The header of ${source.label} is longer than maxRecordBytes. If the first record is data, set format.header to Absent.`,
      );
    }
  }
}
