/**
 * `millrace preview`: what an import would make of CSV files, without a cluster and without a
 * database. The reading is the import's own (`runtimes/src/csv`); here is only the command line.
 */

import { Command } from 'commander';
import type { FormatSpec } from '@millrace/runtimes/csv/dialect';
import { checkFormat } from '@millrace/runtimes/csv/format-spec';
import { preview, type PreviewOptions } from '@millrace/runtimes/csv/preview';
import { fileSource } from './file-source.ts';
import { Output } from './output.ts';
import { previewPage } from './preview-page.ts';
import { addressSource, isAddress } from './source-address.ts';

interface Flags {
  readonly json?: true;
  readonly records?: true;
  readonly format: string;
}

const maxRecordBytes = 16 << 20;
const badUsage = 64;

const help = `
Without options: a page for people. The options for programs print one JSON value a line:
  --json     one object a file: file, dialect, confidence, reasons, ambiguous, runnerUp, header,
             columns, records, rejects, comments, blank, bytes; or file and error if it cannot be
             read. runnerUp is what to give as --format if the file is ambiguous and that is right.
  --records  the header, if there is one, and then every data record as it was parsed, as arrays of
             strings. Ragged records are printed as they are; a record whose quote never closes is
             split as well as it can be. With several files, one after the other.

A file of one column has any delimiter that does not occur in it. Lines above the table (titles,
notes) are skipped and counted in dialect.preambleLines; to keep them as records, give
  --format '{"preambleLines": 0}'

--format takes any field of spec.format, for example:
  --format '{"delimiter": ";", "header": "Absent", "encoding": "Windows-1252"}'

npm hands over at most 128 KiB of names and ends without a word on more. For thousands of files:
  find . -name '*.csv' -print0 | xargs -0 -s 90000 npm run --silent millrace -- preview --json

An object of S3 needs MILLRACE_S3_ENDPOINT, MILLRACE_S3_REGION, MILLRACE_S3_ACCESS_KEY_ID and
MILLRACE_S3_SECRET_ACCESS_KEY.

Exit codes: 0 all files were read, 1 some could not be read, 64 wrong usage.`;

export function previewCommand(): Command {
  return new Command('preview')
    .description('shows what an import would make of CSV files: dialect, header, types, counts')
    .argument('<file...>', 'CSV files; also s3://bucket/key and http(s):// addresses')
    .option('--json', 'print one JSON object for each file')
    .option('--records', 'print the header and every data record as JSON arrays, and nothing else')
    .option('--format <json>', 'fix fields of spec.format instead of finding them out', '{}')
    .addHelpText('after', help)
    .action(async (files: string[], flags: Flags) => {
      const format = formatOf(flags.format);
      if (typeof format === 'string') return usageError(format);
      if (flags.json === true && flags.records === true) {
        return usageError('--json and --records cannot be combined; choose one');
      }
      process.exitCode = await run(files, flags, format);
    });
}

function usageError(message: string): void {
  process.stderr.write(`error: ${message}\n`);
  process.exitCode = badUsage;
}

/** The format, or what is wrong with it. */
function formatOf(text: string): FormatSpec | string {
  let input: unknown;
  try {
    input = JSON.parse(text);
  } catch {
    return '--format: not valid JSON; an example is \'{"delimiter": ";"}\'';
  }
  const checked = checkFormat(input);
  return checked.ok ? checked.value : `--format: ${checked.reason}`;
}

async function run(files: readonly string[], flags: Flags, format: FormatSpec): Promise<number> {
  const output = new Output(process.stdout);
  let exitCode = 0;
  for (const file of files) {
    try {
      await previewFile(file, { flags, format, output });
    } catch (error) {
      exitCode = 1;
      const reason = file === '-' ? noStandardInput : readable(error);
      if (flags.json === true) output.line(JSON.stringify({ file, error: reason }));
      else process.stderr.write(`${file}: ${reason}\n`);
    }
    await output.drain();
  }
  await output.flush();
  return exitCode;
}

interface Job {
  readonly flags: Flags;
  readonly format: FormatSpec;
  readonly output: Output;
}

async function previewFile(file: string, { flags, format, output }: Job): Promise<void> {
  await using source = isAddress(file) ? await addressSource(file) : await fileSource(file);
  const options: PreviewOptions = { format, maxRecordBytes };
  if (flags.records === true) {
    const print = (values: readonly string[]): void => output.line(JSON.stringify(values));
    await preview(source, {
      ...options,
      onHeader: (names) => names !== null && print(names),
      onRecord: print,
      onChunk: () => output.drain(),
    });
    return;
  }
  const result = await preview(source, options);
  if (flags.json === true) output.line(JSON.stringify({ file, ...result }));
  else output.line(previewPage(file, result));
}

const noStandardInput = 'standard input cannot be read twice; save it to a file and name that';

const reasons: Record<string, string> = {
  ENOENT: 'no such file',
  EACCES: 'permission denied',
  ENAMETOOLONG: 'the name is too long',
  ENOTDIR: 'a part of the path is not a folder',
  ELOOP: 'the link leads back to itself',
};

function readable(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  return reasons[code] ?? (error instanceof Error ? error.message : String(error));
}
