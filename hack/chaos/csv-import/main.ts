/**
 * `npm run chaos -- csv-import`: rounds of imports whose processes, servers, connections and disk are
 * struck, each compared with an undisturbed import of the same file. See README.md.
 */
import { Deck } from './deck.ts';
import type { Variant } from './manifest.ts';
import { parseOptions, type ChaosOptions } from './options.ts';
import { Random } from '../../load/random.ts';
import { describeInput, roundLines, sumLines } from './report.ts';
import { runRound, type RoundResult } from './round.ts';
import { openScene, type Scene } from './scene.ts';
import { hasOwnMounts, inOwnMounts } from './small-disk.ts';

const policies = ['LatestWins', 'FirstWins'] as const;

export async function chaosOfCsvImport(args: readonly string[]): Promise<number> {
  const parsed = parseOptions(args);
  if (!parsed.ok) return parsed.exitCode;
  const { options } = parsed;
  if (options.only.includes('disk') && !hasOwnMounts()) return inOwnMounts();
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  process.once('SIGTERM', () => stop.abort());
  console.log(`seed ${String(options.seed)}, ${String(options.rounds)} rounds`);
  const random = new Random(options.seed);
  await using scene = await openScene({
    options,
    random: random.forRound(0),
    signal: stop.signal,
    log: (line) => console.error(line),
  });
  const plain = {
    onConflict: policies[0],
    cache: 'Off',
    source: 'Volume',
    isProxied: false,
    isDeadly: false,
  } as const;
  console.log(describeInput(scene.file(plain).expected));
  const results = await rounds(scene, { options, random, signal: stop.signal });
  console.log(sumLines(results, options.only).join('\n'));
  const failed = results.filter(({ problems }) => problems.length > 0).length;
  console.log(`${String(results.length - failed)} passed, ${String(failed)} failed`);
  const isWhole = results.filter(({ isReference }) => !isReference).length === options.rounds;
  return failed === 0 && isWhole ? 0 : 1;
}

const caches = ['Off', 'Invalidate', 'Warm'] as const;

/** Every third round goes through proxies, every fourteenth meets deadly records. */
function variantOf(round: number, { only }: ChaosOptions): Variant {
  const has = (target: ChaosOptions['only'][number]): boolean => only.includes(target);
  const isOnlyNetwork = only.every((target) => target === 'network' || target === 'poison');
  const isDeadly = has('poison') && (only.length === 1 || round % 14 === 4);
  return {
    onConflict: policies[round % 2] ?? 'LatestWins',
    cache: caches[Math.floor(round / 2) % caches.length] ?? 'Off',
    source: has('s3') && !isDeadly ? sourceOf(round) : 'Volume',
    isProxied: has('network') && (isOnlyNetwork || (round % 3 === 2 && !isDeadly)),
    isDeadly,
  };
}

/** Three of five rounds read a volume. */
function sourceOf(round: number): Variant['source'] {
  return (['Gzip', 'Volume', 'S3'] as const)[round % 5] ?? 'Volume';
}

async function rounds(
  scene: Scene,
  run: { readonly options: ChaosOptions; readonly random: Random; readonly signal: AbortSignal },
): Promise<RoundResult[]> {
  const { options, random, signal } = run;
  const deck = new Deck(options.only, random.forRound(-1));
  const results: RoundResult[] = [];
  const take = (title: string, result: RoundResult): RoundResult => {
    console.log(roundLines(title, result).join('\n'));
    results.push(result);
    return result;
  };
  const references = new Map<string, string>();
  for (let round = 1; round <= options.rounds && !signal.aborted; round += 1) {
    const variant = variantOf(round, options);
    const reference = referenceOf(variant);
    if (!references.has(reference)) {
      const undisturbed: Variant = {
        ...variant,
        cache: 'Off',
        source: variant.source === 'Gzip' ? 'Gzip' : 'Volume',
        isProxied: false,
      };
      const result = await runRound({ scene, name: reference, variant: undisturbed });
      references.set(reference, take('undisturbed', result).name);
      // Nothing can be compared with a wrong reference.
      if (result.problems.length > 0) break;
    }
    const attack = { deck, random: random.forRound(round), reference };
    const result = await runRound({ scene, name: `round${String(round)}`, variant, attack });
    take(`round ${String(round)}`, result);
  }
  return results;
}

/** What is read through S3 by ranges must become what a volume's file becomes, chunk by chunk. */
function referenceOf({ onConflict, isDeadly, source }: Variant): string {
  const policy = onConflict === 'LatestWins' ? 'latest' : 'first';
  return `${policy}${isDeadly ? 'deadly' : ''}${source === 'Gzip' ? 'gzip' : ''}`;
}
