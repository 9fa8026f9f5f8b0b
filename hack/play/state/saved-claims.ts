/**
 * Which folder stood for each claim in the last run that named it, for commands that read a source
 * again after play has ended. Play itself never reads it: what a run uses is what it was given.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

export async function savedClaims(file: string): Promise<ReadonlyMap<string, string>> {
  try {
    const saved: unknown = JSON.parse(await readFile(file, 'utf8'));
    const entries = Object.entries(saved ?? {}).map(([name, folder]) => [name, String(folder)]);
    return new Map(entries as [string, string][]);
  } catch {
    return new Map();
  }
}

/** Claims of other manifests stay as they are. */
export async function saveClaims(file: string, claims: ReadonlyMap<string, string>): Promise<void> {
  const all = Object.fromEntries([...(await savedClaims(file)), ...claims]);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(`${file}.new`, JSON.stringify(all), { mode: 0o600 });
  await rename(`${file}.new`, file);
}
