/**
 * The rows that are loaded: eight typed columns of about 80 bytes, written so that psql and Millrace
 * read the same values. Keys ascend as in an ordinary export. A fixed sequence makes every run load
 * the same bytes.
 */
import { open, type FileHandle } from 'node:fs/promises';

export const columns = [
  { name: 'id', type: 'bigint', sql: 'bigint' },
  { name: 'first_name', type: 'text', sql: 'text' },
  { name: 'last_name', type: 'text', sql: 'text' },
  { name: 'email', type: 'text', sql: 'text' },
  { name: 'created_at', type: 'timestamp', sql: 'timestamptz' },
  { name: 'score', type: 'integer', sql: 'integer' },
  { name: 'amount', type: 'decimal', sql: 'numeric' },
  { name: 'active', type: 'boolean', sql: 'boolean' },
] as const;

export const columnNames = columns.map((column) => column.name);
export const key = 'id';
export const firstId = 1_000_000;

export interface DataOptions {
  readonly rows: number;
  /** Share of rows that repeat the key of an earlier one, anywhere in the file. */
  readonly duplicates: number;
}

export interface DataFile {
  readonly path: string;
  readonly rows: number;
  readonly bytes: number;
}

/** Lines written at once: large writes, small memory. */
const batchLines = 20_000;

const firstNames = ['Ada', 'Katherine', 'Grace', 'Mary', 'Sophie', 'Emmy', 'Hedy', 'Dorothy'];
const lastNames = ['Lovelace', 'Johnson', 'Hopper', 'Somerville', 'Germain', 'Noether', 'Lamarr'];

/** Marsaglia's xorshift: fast, and the same everywhere. */
function sequence(): (limit: number) => number {
  let state = 88_172_645;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return Math.floor(((state >>> 0) / 2 ** 32) * limit);
  };
}

function two(value: number): string {
  return value < 10 ? `0${String(value)}` : String(value);
}

export async function writeData(path: string, options: DataOptions): Promise<DataFile> {
  await using file = await open(path, 'w');
  const below = sequence();
  let bytes = 0;
  for (let from = 0; from < options.rows; from += batchLines) {
    const lines = from === 0 ? [columnNames.join()] : [];
    for (let row = from; row < Math.min(from + batchLines, options.rows); row += 1) {
      lines.push(line(row, below, options.duplicates));
    }
    bytes += await write(file, `${lines.join('\n')}\n`);
  }
  return { path, rows: options.rows, bytes };
}

async function write(file: FileHandle, text: string): Promise<number> {
  const bytes = Buffer.from(text);
  await file.writeFile(bytes);
  return bytes.length;
}

function line(row: number, below: (limit: number) => number, duplicates: number): string {
  const isRepeated = duplicates > 0 && below(1_000_000) < duplicates * 1_000_000;
  const id = firstId + (isRepeated ? below(row + 1) : row);
  const first = firstNames[below(firstNames.length)] ?? '';
  const last = lastNames[below(lastNames.length)] ?? '';
  const date = `20${two(below(26))}-${two(1 + below(12))}-${two(1 + below(28))}`;
  const time = `${two(below(24))}:${two(below(60))}:${two(below(60))}`;
  const amount = `${String(below(1_000))}.${two(below(100))}`;
  const email = `${first}.${String(row % 99_999)}@example.com`;
  return `${String(id)},${first},${last},${email},${date}T${time}Z,${String(below(10_000))},${amount},${below(2) === 1 ? 't' : 'f'}`;
}
