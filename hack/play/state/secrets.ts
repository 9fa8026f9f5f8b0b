/**
 * What play makes once and keeps, because what was stored with it would be lost without it: the keys of
 * sealed columns. Beside them tokens for gateways that ask for some, one that may see sealed columns and
 * one that may not. Readable by its owner alone; both can be given in the environment instead.
 */
import { randomBytes } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';

export interface PlaySecrets {
  /** Text of SEALING_KEYS and TOKENS of the backends Secret. */
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
    sealingKeys: env['MILLRACE_SEALING_KEYS'] ?? kept.sealingKeys,
    tokens: env['MILLRACE_TOKENS'] ?? kept.tokens,
  };
}

async function readSecrets(file: string): Promise<PlaySecrets | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as PlaySecrets);
}

async function makeSecrets(file: string): Promise<PlaySecrets> {
  const key = (): string => randomBytes(keyBytes).toString('base64');
  const token = (): string => randomBytes(tokenBytes).toString('hex');
  const secrets: PlaySecrets = {
    sealingKeys: JSON.stringify({ play: { use: 'active', seal: key(), index: key() } }),
    tokens: `clerk:${token()}\nauditor:${token()}:reveal\n`,
  };
  // Whole or not at all: half a file would be keys that nobody has.
  await writeFile(`${file}.new`, JSON.stringify(secrets), { mode: 0o600 });
  await rename(`${file}.new`, file);
  return secrets;
}
