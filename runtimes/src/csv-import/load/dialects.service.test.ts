/** Files in unusual dialects, loaded as one chunk and as many: the same rows, rejects and places. */
import { describe, expect, it } from 'vitest';
import { lacks } from '../../../test/backends.ts';
import { loadingServer, type LoadingServer } from '../../../test/loading.ts';
import { BoundaryScanner } from '../../csv/boundaries.ts';
import { standardDialect, type Dialect } from '../../csv/dialect.ts';
import { encodeRecord, type LineEnd } from '../../csv/encode.ts';
import { ChunkLoader } from './chunk-loader.ts';

/** Reading is tested for all dialects without a server; here those that differ most. */
const dialects: readonly (readonly [string, Partial<Dialect>])[] = [
  ['utf-16le', { encoding: 'UTF-16LE', bomBytes: 2 }],
  ['utf-16be', { encoding: 'UTF-16BE', delimiter: 0xa6, quote: 0x27 }],
  ['wide spaces', { delimiter: 0x20, spacesMin: 2, escape: 'Backslash' }],
];

const lineEnds: readonly LineEnd[] = ['\n', '\r\n', '\r'];

/** Records with line ends in quotes, some that cannot be typed, and lines that are no records. */
function fileOf(dialect: Dialect): { readonly bytes: Buffer; readonly bad: readonly Buffer[] } {
  const parts: Buffer[] = [];
  const bad: Buffer[] = [];
  for (let row = 0; row < 200; row += 1) {
    const isBad = row % 20 === 7;
    const id = isBad ? `x${row}` : String(row);
    const values = [id, noteOf(row), 'é'];
    const lineEnd = lineEnds[row % lineEnds.length] ?? '\n';
    const record = encodeRecord(values, dialect, lineEnd);
    parts.push(record);
    if (isBad) bad.push(record.subarray(0, record.length - lineEndBytes(lineEnd, dialect)));
  }
  return { bytes: Buffer.concat(parts), bad };
}

function noteOf(row: number): string {
  return `Zoë's "${row}": a¦b,\r\n\\  §`;
}

function lineEndBytes(lineEnd: LineEnd, { encoding }: Dialect): number {
  return lineEnd.length * (encoding.startsWith('UTF-16') ? 2 : 1);
}

interface Load {
  readonly table: string;
  readonly dialect: Dialect;
  readonly bytes: Buffer;
  readonly chunkBytes: number;
}

/** Where the data begins in the file that these bytes are taken for: after a mark. */
const start = 2;

async function load(
  server: LoadingServer,
  { table, dialect, bytes, chunkBytes }: Load,
): Promise<{ readonly chunks: number; readonly rows: unknown[]; readonly rejects: unknown[] }> {
  const columns = ['id', 'note', 'letter'].map((name, index) => ({
    name,
    type: index === 0 ? ('bigint' as const) : ('text' as const),
  }));
  const plan = await server.plan({ table, columns, key: ['id'] });
  const loader = new ChunkLoader({ ...plan, dialect });
  const limits = { chunkBytes, maxRecordBytes: plan.maxRecordBytes };
  const scanner = new BoundaryScanner({ dialect, start, ...limits });
  const chunks = [...scanner.feed(bytes), ...scanner.finish()];
  for (const [chunk, { offset, length }] of chunks.entries()) {
    const part = bytes.subarray(offset - start, offset - start + length);
    await server.load(loader, { chunk, offset, bytes: part });
  }
  const { rows } = await server.owner.query<{ at: string; raw: Buffer }>(
    `SELECT record_offset::text AS at, raw, reason, column_name AS "column" FROM "${table}_rejects" ORDER BY record_offset`,
  );
  const stored = await server.rows(table, 'id, note, letter, _millrace_pos');
  return {
    chunks: chunks.length,
    rows: stored.map((row): unknown => JSON.parse(row)),
    rejects: rows,
  };
}

describe.skipIf(lacks('postgres'))('a file in an unusual dialect', () => {
  it('gives the same rows, rejects and places as one chunk and as 64', async () => {
    await using server = await loadingServer();
    for (const [name, changes] of dialects) {
      const dialect = { ...standardDialect, header: false, ...changes };
      const { bytes, bad } = fileOf(dialect);
      const common = { dialect, bytes };
      const whole = await load(server, { ...common, table: `${name} 1`, chunkBytes: bytes.length });
      const cut = await load(server, {
        ...common,
        table: `${name} 64`,
        chunkBytes: bytes.length / 80,
      });

      expect(whole.chunks, name).toBe(1);
      expect(cut.chunks, name).toBeGreaterThanOrEqual(64);
      expect(cut, name).toEqual({ ...whole, chunks: cut.chunks });
      expect(whole.rows, name).toHaveLength(200 - bad.length);
      expect(whole.rows[0], name).toMatchObject({ id: 0, note: noteOf(0), letter: 'é' });
      expect(whole.rejects, name).toMatchObject(
        bad.map((raw) => ({ at: String(start + bytes.indexOf(raw)), raw, column: 'id' })),
      );
    }
  });
});
