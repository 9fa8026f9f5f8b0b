/** The environment of a command: `.env` of the working folder, and above it the real variables. */
import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

export type Environment = Readonly<Record<string, string | undefined>>;

export function environment(): Environment {
  let text: string;
  try {
    text = readFileSync('.env', 'utf8');
  } catch {
    return process.env;
  }
  return { ...parseEnv(text), ...process.env };
}
