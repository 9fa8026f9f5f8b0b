/**
 * The key ring: which keys seal, open and index, as the key SEALING_KEYS of the backends Secret says.
 *
 *     {"2026-05": {"use": "decrypt-only", "seal": "<base64>", "index": "<base64>"},
 *      "2026-11": {"use": "active", "seal": "<base64>", "index": "<base64>"}}
 *
 * Each id has two keys of 32 bytes: one seals values, the other makes their blind indexes. Exactly one
 * id is active, that is, used for what is written; the others open and search what is there. The text
 * is read again within a second of a change, so a rotation needs no restart. What is wrong is told by
 * the id and never by content.
 */
import { createSecretKey, type KeyObject } from 'node:crypto';
import type { Clock } from '@millrace/kit/clock';
import { Transient } from '@millrace/kit/transient';
import { keyBytes } from './primitives.ts';

export interface SealingKey {
  readonly id: string;
  readonly seal: KeyObject;
  readonly index: KeyObject;
}

export interface KeyRing {
  readonly active: SealingKey;
  /** All of them, the active one first. */
  readonly keys: readonly SealingKey[];
  /** Throws a Transient that names the id while the ring lacks it. */
  need(id: string): SealingKey;
}

export interface KeyRingReader {
  /** Throws a Transient while there is no usable ring. */
  current(): KeyRing;
}

export interface KeyRingOptions {
  /** The text as it is now; undefined while there is none. */
  readonly read: () => string | undefined;
  readonly clock: Pick<Clock, 'monotonic'>;
}

const rereadMs = 1_000;
/** A ring keeps the keys of a few rotations; searches ask for the index of each. */
export const keysMax = 16;
const idForm = /^[A-Za-z0-9._-]{1,32}$/;
const base64Form = /^[A-Za-z0-9+/]{43}=$/;
/** Progress and readiness show it where they show Postgres and the others. */
export const sealingBackend = 'sealing';

export function keyRingReader({ read, clock }: KeyRingOptions): KeyRingReader {
  let text: string | undefined;
  let ring: KeyRing | Transient = missingRing();
  let readAt = -Infinity;
  return {
    current: () => {
      const now = clock.monotonic();
      if (now - readAt >= rereadMs || ring instanceof Transient) {
        readAt = now;
        const next = read();
        if (next !== text) ring = attempt(next);
        text = next;
      }
      if (ring instanceof Transient) throw ring;
      return ring;
    },
  };
}

function attempt(text: string | undefined): KeyRing | Transient {
  if (text === undefined) return missingRing();
  try {
    return parseKeyRing(text);
  } catch (error) {
    if (error instanceof Transient) return error;
    throw error;
  }
}

function missingRing(): Transient {
  return new Transient(
    'SealingKeysMissing',
    'The backends Secret lacks the key SEALING_KEYS, which sealed columns need; add it.',
    { backend: sealingBackend },
  );
}

function unusable(what: string): Transient {
  return new Transient('SealingKeysUnusable', `SEALING_KEYS is not usable: ${what}.`, {
    backend: sealingBackend,
  });
}

/** Throws a Transient that says what to correct. */
export function parseKeyRing(text: string): KeyRing {
  const entries = Object.entries(parseObject(text));
  if (entries.length > keysMax) throw unusable(`it lists more than ${keysMax} keys`);
  const keys = entries.map(([id, entry]) => ({ use: useOf(id, entry), key: keyOf(id, entry) }));
  const active = keys.filter(({ use }) => use === 'active').map(({ key }) => key);
  const [first, second] = active;
  if (first === undefined) throw unusable('none of its keys has the use "active"');
  if (second !== undefined) {
    throw unusable(`${first.id} and ${second.id} are both active; make one of them decrypt-only`);
  }
  const others = keys.filter(({ key }) => key !== first).map(({ key }) => key);
  const byId = new Map(keys.map(({ key }) => [key.id, key]));
  return {
    active: first,
    keys: [first, ...others],
    need: (id) => {
      const key = byId.get(id);
      if (key === undefined) throw missingKey(id);
      return key;
    },
  };
}

/** The id comes from an envelope, so it is bounded and checked before it gets here. */
export function missingKey(id: string): Transient {
  return new Transient(
    'SealingKeyMissing',
    `Values are sealed with the key ${id}, which SEALING_KEYS lacks; add it as decrypt-only.`,
    { backend: sealingBackend },
  );
}

export function isKeyId(id: string): boolean {
  return idForm.test(id);
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  // The parser's own message would quote the text.
  const value = parseJson(text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  throw unusable('it must be a JSON object of key ids');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function fieldsOf(id: string, entry: unknown): Readonly<Record<string, unknown>> {
  if (!idForm.test(id)) {
    throw unusable('a key id must be 1 to 32 letters, digits, dots, dashes or underscores');
  }
  if (typeof entry === 'object' && entry !== null) return entry as Record<string, unknown>;
  throw unusable(`${id} must be an object with use, seal and index`);
}

function useOf(id: string, entry: unknown): 'active' | 'decrypt-only' {
  const { use } = fieldsOf(id, entry);
  if (use === 'active' || use === 'decrypt-only') return use;
  throw unusable(`${id}.use must be active or decrypt-only`);
}

function keyOf(id: string, entry: unknown): SealingKey {
  const { seal, index } = fieldsOf(id, entry);
  if (seal === index) throw unusable(`${id}.seal and ${id}.index must be different keys`);
  return { id, seal: secret(`${id}.seal`, seal), index: secret(`${id}.index`, index) };
}

function secret(name: string, value: unknown): KeyObject {
  if (typeof value !== 'string' || !base64Form.test(value)) {
    throw unusable(`${name} must be ${keyBytes} bytes in base64`);
  }
  return createSecretKey(value, 'base64');
}
