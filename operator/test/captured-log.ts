/** A log that is kept in a file of its own and read back as objects, one a line. */
import { mkdtempSync, openSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog, type Log } from '@millrace/kit/log';

export interface CapturedLog {
  readonly log: Log;
  readonly lines: () => readonly Readonly<Record<string, unknown>>[];
}

export function capturedLog(level: string): CapturedLog {
  const file = join(mkdtempSync(join(tmpdir(), 'millrace-log-')), 'log');
  const log = createLog({ level, bindings: {}, fd: openSync(file, 'w') });
  return { log, lines: () => parseLines(readFileSync(file, 'utf8')) };
}

/** Lines that are no JSON are left out: a process may say something before it has a log. */
export function parseLines(text: string): readonly Readonly<Record<string, unknown>>[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
}
