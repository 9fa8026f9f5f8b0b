/**
 * The sample that the default manifest loads: users as a system of records would export them, with
 * what real exports have: quoted commas, missing parents written as -1, some users exported twice
 * and a few broken lines. The same bytes on every host, so that totals can be compared.
 */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

export const sampleRows = 200_000;
/** One user in so many is exported a second time, later in the file. */
const repeatEvery = 400;
/** One line in so many is broken, in one of four ways. */
const brokenEvery = 5_000;
const seed = 20_261_121;

const header =
  'id,first_name,last_name,email_address,created_at,deleted_at,merged_at,parent_user_id';
const firstNames =
  'Ada,Björn,Chidi,Dana,Elif,Farid,Grace,Hana,Ines,João,Kofi,Lena,Mei,Noor,Olga,Priya,Quinn,Rosa,Sven,Tariq,Uma,Vera,Wen,Ximena,Yusuf,Zoë'.split(
    ',',
  );
const lastNames =
  'Adeyemi|Berg|Costa|Dubois|Eriksen|Fischer|García|Hughes|Ivanova|Jansen|Kim|Larsen|Müller|Nakamura|O\'Brien|Petrov|Quist|"Reyes, Jr."|Silva|Tan|Usman|Varga|Weber|Xu|Yılmaz|"Zed ""Z"" Zane"'.split(
    '|',
  );
const start = Date.UTC(2015, 0, 1);
const end = Date.UTC(2026, 0, 1);

/** Small, fast and the same everywhere (mulberry32). */
function randomNumbers(from: number): () => number {
  let state = from;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function* sampleLines(rows: number): Generator<string> {
  const random = randomNumbers(seed);
  const pick = (from: readonly string[]): string => from[Math.floor(random() * from.length)] ?? '';
  const time = (from: number): number => Math.floor(from + random() * (end - from));
  yield header;
  for (let row = 1; row <= rows; row++) {
    const isRepeat = row > repeatEvery && row % repeatEvery === 0;
    const id = isRepeat ? row - Math.floor(random() * repeatEvery) - 1 : row;
    const created = time(start);
    const deleted = random() < 0.05 ? time(created) : -1;
    const merged = random() < 0.02 ? time(created) : -1;
    const parent = row > 1 && random() < 0.1 ? Math.floor(random() * (row - 1)) + 1 : -1;
    const email = `user${String(id)}@example.com`;
    const fields = [id, pick(firstNames), pick(lastNames), email, created, deleted, merged, parent];
    yield row % brokenEvery === 0 ? broken(fields, row / brokenEvery) : fields.join(',');
  }
}

function broken(fields: readonly (number | string)[], which: number): string {
  const [id, first, last, email, created, ...rest] = fields;
  switch (which % 4) {
    case 0:
      return [id, first, last, email, 'yesterday', ...rest].join(',');
    case 1:
      return [id, first, last].join(',');
    case 2:
      return [`#${String(id)}`, first, last, email, created, ...rest].join(',');
    default:
      return [...fields, 'one field too many'].join(',');
  }
}

/** Writes the sample once; says how far it is. */
export async function ensureSample(
  file: string,
  options: { readonly rows: number; log(line: string): void; readonly signal: AbortSignal },
): Promise<void> {
  if (
    await stat(file).then(
      () => true,
      () => false,
    )
  )
    return;
  await mkdir(dirname(file), { recursive: true });
  options.log(`sample: writing ${options.rows.toLocaleString('en')} rows to ${file}`);
  const draft = `${file}.new`;
  const out = createWriteStream(draft);
  let batch: string[] = [];
  for (const line of sampleLines(options.rows)) {
    batch.push(line);
    if (batch.length < 5_000) continue;
    options.signal.throwIfAborted();
    if (!out.write(`${batch.join('\n')}\n`)) await once(out, 'drain');
    batch = [];
  }
  out.end(batch.length === 0 ? '' : `${batch.join('\n')}\n`);
  await once(out, 'close');
  await rename(draft, file);
}
