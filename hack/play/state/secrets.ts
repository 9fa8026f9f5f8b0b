/**
 * What play makes once and keeps, because what was stored with it would be lost without it: the keys of
 * sealed columns. Beside them tokens for gateways that ask for some, one that may see sealed columns and
 * one that may not. Readable by its owner alone; both can be given in the environment instead.
 */
import { randomBytes } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';

/** Texts of SEALING_KEYS and TOKENS of the backends Secret, by the variables that can give them. */
export interface PlaySecrets {
  readonly MILLRACE_SEALING_KEYS: string;
  readonly MILLRACE_TOKENS: string;
}

interface Kept {
  readonly sealingKeys: string;
  readonly tokens: string;
}

const keyBytes = 32;
const tokenBytes = 20;

export async function playSecrets(
  file: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<PlaySecrets> {
  const kept = (await readSecrets(file)) ?? (await makeSecrets(file));
  return {
    MILLRACE_SEALING_KEYS: env['MILLRACE_SEALING_KEYS'] ?? kept.sealingKeys,
    MILLRACE_TOKENS: env['MILLRACE_TOKENS'] ?? kept.tokens,
  };
}

async function readSecrets(file: string): Promise<Kept | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Kept);
}

async function makeSecrets(file: string): Promise<Kept> {
  const key = (): string => randomBytes(keyBytes).toString('base64');
  const token = (): string => randomBytes(tokenBytes).toString('hex');
  const secrets: Kept = {
    sealingKeys: JSON.stringify({ play: { use: 'active', seal: key(), index: key() } }),
    tokens: `clerk:${token()}\nauditor:${token()}:reveal\n`,
  };
  // Whole or not at all: half a file would be keys that nobody has.
  await writeFile(`${file}.new`, JSON.stringify(secrets), { mode: 0o600 });
  await rename(`${file}.new`, file);
  return secrets;
}
