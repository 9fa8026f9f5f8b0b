/** The pinned dialect in the words of `spec.format`, with why it was chosen. */
import type { CsvImportProgress } from '@millrace/crds/csv-import';
import { readableDialect, type Dialect } from '../../csv/dialect.ts';
import type { Findings } from '../../csv/sniff-findings.ts';

const runnerUpCharactersMax = 256;

/** `findings` is missing in ledgers of older versions. */
export function dialectReport(
  dialect: Dialect,
  findings: Findings | undefined,
): NonNullable<CsvImportProgress['dialect']> {
  const { delimiter, quote, escape, encoding, preambleLines } = readableDialect(dialect);
  const { header } = dialect;
  const report = { delimiter, quote, escape, encoding, header, preambleLines };
  if (findings === undefined) return report;
  const { confidence, ambiguous, reasons, runnerUp } = findings;
  const other =
    runnerUp === null ? {} : { runnerUp: JSON.stringify(runnerUp).slice(0, runnerUpCharactersMax) };
  return { ...report, confidence, ambiguous, reasons: [...reasons], ...other };
}
