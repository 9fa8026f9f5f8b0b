/**
 * `npm run chaos -- csv-import`: two undisturbed imports for reference, one for each conflict policy,
 * then rounds of imports whose processes and servers are killed. See README.md.
 */
import { Deck } from './deck.ts';
import type { Variant } from './manifest.ts';
import { parseOptions, type ChaosOptions } from './options.ts';
import { Random } from '../../load/random.ts';
import { describeInput, roundLines, sumLines } from './report.ts';
import { runRound, type RoundResult } from './round.ts';
import { openScene, type Scene } from './scene.ts';

const policies = ['LatestWins', 'FirstWins'] as const;

export async function chaosOfCsvImport(args: readonly string[]): Promise<number> {
  const parsed = parseOptions(args);
  if (!parsed.ok) return parsed.exitCode;
  const { options } = parsed;
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
  console.log(describeInput(scene.expected));
  const results: RoundResult[] = [];
  for (const onConflict of policies) {
    if (stop.signal.aborted) break;
    const variant: Variant = { onConflict, cache: 'Off' };
    const result = await runRound({ scene, name: referenceOf(variant), variant });
    console.log(roundLines('undisturbed', result).join('\n'));
    results.push(result);
  }
  // Nothing can be compared with a wrong reference.
  if (results.every(({ problems }) => problems.length === 0)) {
    results.push(...(await rounds(scene, { options, random, signal: stop.signal })));
  }
  console.log(sumLines(results).join('\n'));
  const failed = results.filter(({ problems }) => problems.length > 0).length;
  console.log(`${String(results.length - failed)} passed, ${String(failed)} failed`);
  const isWhole = results.length === options.rounds + policies.length;
  return failed === 0 && isWhole ? 0 : 1;
}

function referenceOf({ onConflict }: Variant): string {
  return onConflict === 'LatestWins' ? 'latest' : 'first';
}

async function rounds(
  scene: Scene,
  run: { readonly options: ChaosOptions; readonly random: Random; readonly signal: AbortSignal },
): Promise<RoundResult[]> {
  const { options, random, signal } = run;
  const deck = new Deck(options.only, random.forRound(-1));
  const results: RoundResult[] = [];
  for (let round = 1; round <= options.rounds && !signal.aborted; round += 1) {
    const variant: Variant = {
      onConflict: policies[round % 2] ?? 'LatestWins',
      cache: Math.floor(round / 2) % 2 === 0 ? 'Off' : 'Invalidate',
    };
    const attack = { deck, random: random.forRound(round), reference: referenceOf(variant) };
    const result = await runRound({ scene, name: `round${String(round)}`, variant, attack });
    console.log(roundLines(`round ${String(round)}`, result).join('\n'));
    results.push(result);
  }
  return results;
}
