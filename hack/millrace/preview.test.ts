import { execFile, spawn } from 'node:child_process';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const main = join(import.meta.dirname, 'main.ts');
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-preview-'));
  await writeFile(join(folder, 'good.csv'), 'id;name\n1;"a;b"\n2\n3;c\n');
  await writeFile(join(folder, 'plain.csv'), '1,2\n3,4\n');
  await writeFile(join(folder, 'large.csv'), 'id,name\n' + '1,some text\n'.repeat(300_000));
});
afterAll(() => rm(folder, { recursive: true }));

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function millrace(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [main, ...args],
      { cwd: folder },
      (_, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

describe('millrace preview', () => {
  it('prints one JSON object a file and exits 1 if one is missing', async () => {
    const { code, stdout, stderr } = await millrace(
      'preview',
      '--json',
      'good.csv',
      'gone.csv',
      '.',
    );

    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(code).toBe(1);
    expect(stderr).toBe('');
    expect(lines[0]).toMatchObject({ file: 'good.csv', records: 3, header: ['id', 'name'] });
    expect(lines[0]).toMatchObject({ rejects: { total: 1, byReason: { Ragged: 1 } } });
    expect(lines.slice(1)).toEqual([
      { file: 'gone.csv', error: 'no such file' },
      { file: '.', error: 'is a folder; name the files in it' },
    ]);
  });

  it('prints the header, if there is one, and then every record, ragged ones too', async () => {
    const { code, stdout } = await millrace('preview', '--records', 'good.csv', 'plain.csv');

    expect(code).toBe(0);
    expect(stdout).toBe(
      '["id","name"]\n["1","a;b"]\n["2"]\n["3","c"]\n' + '["1","2"]\n["3","4"]\n',
    );
  });

  it('prints records exactly, whatever their cells hold', async () => {
    const cells = ['A\0n', 'x\ry', 'p\r\nq', '"é💥\u2028', '\ud83d', '\u0007\u000b'];
    const records = cells.map((cell, id) => `${id},"${cell.replaceAll('"', '""')}"\n`);
    const text = `id,name\n${records.join('')}`;
    await writeFile(join(folder, 'wide.csv'), Buffer.from(`\ufeff${text}`, 'utf16le'));

    const { stdout } = await millrace('preview', '--records', 'wide.csv');

    const rows = stdout.trimEnd().split('\n').slice(1);
    const shown = cells.map((cell, id) => [String(id), cell.toWellFormed()]);
    expect(rows.map((row) => JSON.parse(row) as unknown)).toEqual(shown);
  });

  it('reads as --format says', async () => {
    const format = JSON.stringify({ header: 'Present', delimiter: ';' });
    const { stdout } = await millrace('preview', '--records', '--format', format, 'plain.csv');
    expect(stdout).toBe('["1,2"]\n["3,4"]\n');
  });

  it.each([
    [['--format', '{"quote": "x"}'], /format\.quote: "x" is not allowed; use "Auto"/],
    [['--format', '{'], /--format: not valid JSON/],
    [['--json', '--records'], /cannot be combined/],
    [['--unknown'], /unknown option/],
  ])('exits 64 for %j and says why', async (args, message) => {
    const { code, stdout, stderr } = await millrace('preview', ...args, 'good.csv');

    expect(code).toBe(64);
    expect(stderr).toMatch(message);
    expect(stdout).toBe('');
  });

  it('shows a page for people by default, and help', async () => {
    const page = await millrace('preview', 'good.csv');
    expect(page.stdout).toMatch(/delimiter {2}semicolon[^]*line 3: Ragged[^]*id {4}integer/);

    const help = await millrace('preview', '--help');
    expect(help.code).toBe(0);
    expect(help.stdout).toContain('--records');
  });

  it('says in a sentence that the disk below its output is full', async () => {
    await using full = await open('/dev/full', 'w');
    const child = spawn(process.execPath, [main, 'preview', 'good.csv'], {
      cwd: folder,
      stdio: ['ignore', full.fd, 'pipe'],
    });
    let stderr = '';
    child.stderr?.on('data', (data: Buffer) => (stderr += data.toString()));
    const code = await new Promise((resolve) => child.once('close', resolve));

    expect(stderr).toBe('error: the output cannot be written (ENOSPC)\n');
    expect(code).toBe(1);
  });

  it('ends quietly when the reader of its output goes away', async () => {
    const child = spawn(process.execPath, [main, 'preview', '--records', 'large.csv'], {
      cwd: folder,
    });
    let stderr = '';
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
    child.stdout.once('data', () => child.stdout.destroy());
    const code = await new Promise((resolve) => child.once('close', resolve));

    expect(stderr).toBe('');
    expect(code).toBe(0);
  });
});
