import { closeSync, mkdtempSync, openSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Fault } from './fault.ts';
import { createLog, type Log } from './log.ts';
import { Transient } from './transient.ts';

function logged(write: (log: Log) => void): Record<string, unknown> {
  const file = join(mkdtempSync(join(tmpdir(), 'kit-log-')), 'log');
  const fd = openSync(file, 'w');
  write(createLog({ level: 'info', bindings: { kind: 'CsvImport' }, fd }));
  closeSync(fd);
  return JSON.parse(readFileSync(file, 'utf8'));
}

test('a line is JSON with the bindings of the process, its level by name and a UTC time', () => {
  const line = logged((log) => log.info({ rows: 3 }, 'chunk committed'));

  expect(line).toMatchObject({ level: 'info', kind: 'CsvImport', rows: 3, msg: 'chunk committed' });
  expect(line['time']).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
});

test('credentials are redacted even when someone logs them', () => {
  const line = logged((log) =>
    log.info({ url: 'postgres://u:p@h/d', backend: { password: 'p' } }, 'oops'),
  );

  expect(JSON.stringify(line)).not.toContain('postgres://');
  expect(line['backend']).toEqual({ password: '[redacted]' });
});

test('the message of a foreign cause is never logged, since drivers quote values in it', () => {
  const cause = Object.assign(new Error('Key (email)=(ada@example.org) already exists'), {
    code: '23505',
  });
  const line = logged((log) =>
    log.warn({ err: new Transient('Deadlock', 'Loading a chunk failed.', { cause }) }, 'retrying'),
  );

  expect(JSON.stringify(line)).not.toContain('ada@example.org');
  expect(line['err']).toMatchObject({ code: 'Deadlock', cause: { code: '23505' } });
});

test('a fault keeps its stack', () => {
  const line = logged((log) => log.error({ err: new Fault('two holders') }, 'bug'));

  expect(String((line['err'] as { stack: string }).stack)).toContain('log.test.ts');
});
