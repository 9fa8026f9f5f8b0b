/**
 * `npm run chaos -- increment-pipeline`: load and strikes side by side, then quiet, then the account.
 * See README.md.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Random } from '../../load/random.ts';
import { Assault } from './assault.ts';
import { Load } from './load.ts';
import { parseOptions, type ChaosOptions } from './options.ts';
import { finalLines, progressLine, strikeLine } from './report.ts';
import { openScene, type Scene } from './scene.ts';
import { StalenessWatch } from './staleness.ts';
import type { TargetName } from './strikes.ts';
import { problems, tameness } from './verdict.ts';

const progressEveryMs = 5_000;
/** Of the asked time; a load that is slower than this has failed. */
const patience = 4;
const answerPatienceMs = 60_000;
const drainPatienceMs = 60_000;

export async function chaosOfIncrementPipeline(args: readonly string[]): Promise<number> {
  const parsed = parseOptions(args);
  if (!parsed.ok) return parsed.exitCode;
  const { options } = parsed;
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  process.once('SIGTERM', () => stop.abort());
  console.log(
    `seed ${String(options.seed)}, at least ${String(options.seconds)} s and ${String(options.increments)} increments`,
  );
  await using scene = await openScene({
    options,
    signal: stop.signal,
    log: (line) => console.error(line),
  });
  const found = await fight(scene, options, stop.signal);
  for (const problem of found) console.log(`  ! ${problem}`);
  console.log(found.length === 0 ? 'passed' : `FAILED, seed ${String(options.seed)}`);
  return found.length === 0 ? 0 : 1;
}

async function fight(
  scene: Scene,
  options: ChaosOptions,
  interrupted: AbortSignal,
): Promise<readonly string[]> {
  const random = new Random(options.seed);
  const startedMs = performance.now();
  const quiet = new AbortController();
  const over = new AbortController();
  const signal = AbortSignal.any([interrupted, quiet.signal]);
  const load = new Load(scene.url, random.forRound(0));
  const watch = new StalenessWatch(scene.observer, startedMs);
  const watching = watch.run(AbortSignal.any([interrupted, over.signal]));
  const excuse = (target: TargetName): void => {
    if (target === 'worker' || target === 'scale') watch.workersStruck();
  };
  const assault = new Assault({
    scene,
    load,
    random: random.forRound(-1),
    signal,
    startedMs,
    began: ({ target }) => excuse(target),
    tell: (struck) => {
      excuse(struck.strike.target);
      console.log(strikeLine(struck));
    },
  });
  const assaulting = assault.run();
  const elapsed = (): number => (performance.now() - startedMs) / 1_000;
  const isDone = (): boolean =>
    elapsed() > options.seconds &&
    (load.totals.increments.Accepted >= options.increments ||
      elapsed() > patience * options.seconds);
  try {
    while (!signal.aborted && !isDone()) {
      await delay(progressEveryMs, undefined, { signal }).catch(() => undefined);
      console.log(progressLine(elapsed(), load.totals, watch.latest));
    }
  } finally {
    quiet.abort();
    await assaulting;
    await load.stop(answerPatienceMs);
  }
  console.log(`${elapsed().toFixed(1)} s: the load has ended`);
  const backlog = await drained(scene);
  over.abort();
  await watching;
  const evidence = {
    groups: load.evidence(),
    stored: await scene.observer.stored(),
    ledger: await scene.observer.totals(),
    backlog,
    staleness: watch.figures,
  };
  console.log(finalLines(evidence, assault.struck).join('\n'));
  return [
    ...(interrupted.aborted ? ['interrupted'] : []),
    ...problems(evidence),
    ...tameness(evidence, assault.hits, options),
  ];
}

/** Entries that are left after all patience. */
async function drained({ observer }: Scene): Promise<number> {
  const deadlineMs = performance.now() + drainPatienceMs;
  for (;;) {
    const sight = await observer.look();
    if (sight?.backlog === 0) return 0;
    if (performance.now() > deadlineMs) return sight?.backlog ?? Number.NaN;
    await delay(200);
  }
}
