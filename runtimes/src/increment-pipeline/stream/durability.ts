/**
 * Whether Redis is configured to do what the pipeline promises before it answers.
 *
 * Read, not believed: with `appendfsync everysec` a crash of the host loses a second of answered
 * increments and nothing before that crash shows it. Where CONFIG is barred an administrator may
 * vouch; what can be read is checked even then. Written for the person who has to correct it: the
 * message has the setting, its value, and both the command and the line of redis.conf that help.
 */
import { Failure } from '@millrace/kit/failure';
import type { RedisCommands } from '../../connectors/redis/link.ts';

export type Durability = 'Memory' | 'Fsync' | 'Replicated';

export interface DurabilityState {
  readonly ok: boolean;
  readonly message?: string;
}

interface Requirement {
  readonly setting: string;
  /** The value to set, and part of the message. */
  readonly remedy: string;
  readonly isMet: (value: string) => boolean;
}

function exactly(setting: string, remedy: string): Requirement {
  return { setting, remedy, isMet: (value) => value === remedy };
}

const onDisk: readonly Requirement[] = [
  exactly('appendonly', 'yes'),
  exactly('appendfsync', 'always'),
  exactly('no-appendfsync-on-rewrite', 'no'),
  exactly('maxmemory-policy', 'noeviction'),
];

const requirements: Readonly<Record<Durability, readonly Requirement[]>> = {
  // Only the policies for all keys evict streams, which have no lifetime.
  Memory: [
    {
      setting: 'maxmemory-policy',
      remedy: 'noeviction',
      isMet: (value) => value !== '' && !value.startsWith('allkeys-'),
    },
  ],
  Fsync: onDisk,
  Replicated: [
    ...onDisk,
    { setting: 'min-replicas-to-write', remedy: '1', isMet: (value) => Number(value) >= 1 },
  ],
};

export interface DurabilityQuestion {
  readonly durability: Durability;
  /** An administrator vouches for what cannot be read. */
  readonly vouched: boolean;
}

/** Throws what keeps the question itself from being answered, such as a lost connection. */
export async function checkDurability(
  commands: RedisCommands,
  { durability, vouched }: DurabilityQuestion,
): Promise<DurabilityState> {
  const needed = requirements[durability];
  let settings: ReadonlyMap<string, string>;
  try {
    settings = await readSettings(commands, needed);
  } catch (error) {
    if (!isBarred(error)) throw error;
    return vouched ? { ok: true } : { ok: false, message: barred(durability) };
  }
  const wrong = needed.find(({ setting, isMet }) => !isMet(settings.get(setting) ?? ''));
  if (wrong === undefined) return { ok: true };
  const value = settings.get(wrong.setting);
  return { ok: false, message: misconfigured(wrong, { durability, value }) };
}

async function readSettings(
  commands: RedisCommands,
  needed: readonly Requirement[],
): Promise<ReadonlyMap<string, string>> {
  const names = needed.map(({ setting }) => setting);
  const reply = await commands.call('Reading the settings of Redis', ['CONFIG', 'GET', ...names]);
  const settings = new Map<string, string>();
  const pairs: readonly unknown[] = Array.isArray(reply) ? reply : [];
  for (let at = 0; at + 1 < pairs.length; at += 2) {
    settings.set(String(pairs[at]), String(pairs[at + 1]));
  }
  return settings;
}

/** The user lacks the right, or the service has taken the command away. */
function isBarred(error: unknown): boolean {
  if (!(error instanceof Failure)) return false;
  if (error.code === 'PermissionDenied') return true;
  return error.cause instanceof Error && /unknown (command|subcommand)/i.test(error.cause.message);
}

function barred(durability: Durability): string {
  return `Redis does not let this user read its settings, so nobody knows whether it does what durability ${durability} promises. Grant it with ACL SETUSER … +config|get, or let an administrator vouch with spec.durabilityVouched: true.`;
}

function misconfigured(
  { setting, remedy }: Requirement,
  { durability, value }: { readonly durability: Durability; readonly value: string | undefined },
): string {
  const found = value === undefined ? `does not tell ${setting}` : `has ${setting} ${value}`;
  return `Redis ${found}, and durability ${durability} needs ${setting} ${remedy}. Run CONFIG SET ${setting} ${remedy}, and write "${setting} ${remedy}" into redis.conf for the next start.`;
}
