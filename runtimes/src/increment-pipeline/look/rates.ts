/**
 * Rates over the last ten seconds, from looks that are some time apart.
 *
 * What one worker commits while it is busy is kept when there was nothing to do: how fast workers
 * are does not become unknown by their being idle.
 */
import type { IncrementPipelineProgress } from '@millrace/crds/increment-pipeline';
import type { Member } from '../ledger/members.ts';

const windowMs = 10_000;
/** Two looks within a burst would measure the burst; a backlog has to be answered within a second. */
const apartMs = 400;
/** An older look says nothing about the last ten seconds. */
const tooOldMs = 30_000;
/** Less busy time than that measures the clock, not the worker. */
const busyMsMin = 20;

interface Sample {
  readonly atMs: number;
  readonly accepted: number;
  readonly committed: number;
  readonly workers: ReadonlyMap<string, Member>;
}

export class Rates {
  #samples: Sample[] = [];
  #perWorkerPerSecond: number | undefined;

  add(
    atMs: number,
    totals: { readonly accepted: number; readonly committed: number },
    members: readonly Member[],
  ): void {
    const last = this.#samples.at(-1);
    if (last !== undefined && atMs - last.atMs < apartMs) return;
    const workers = new Map(
      members.filter(({ role }) => role === 'worker').map((member) => [member.member, member]),
    );
    this.#samples.push({ atMs, ...totals, workers });
    // The last one that is out of the window stays, so that looks far apart still give a rate.
    while ((this.#samples[1]?.atMs ?? atMs) <= atMs - windowMs) this.#samples.shift();
    while ((this.#samples[0]?.atMs ?? atMs) < atMs - tooOldMs) this.#samples.shift();
    this.#perWorkerPerSecond = this.#busyRate() ?? this.#perWorkerPerSecond;
  }

  now(): IncrementPipelineProgress['rates'] {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    const perWorkerPerSecond = this.#perWorkerPerSecond;
    const busy = perWorkerPerSecond === undefined ? {} : { perWorkerPerSecond };
    if (first === undefined || last === undefined || last === first) return busy;
    const seconds = (last.atMs - first.atMs) / 1000;
    const rate = (from: number, to: number) => Math.max(0, Math.round((to - from) / seconds));
    return {
      acceptedPerSecond: rate(first.accepted, last.accepted),
      committedPerSecond: rate(first.committed, last.committed),
      ...busy,
    };
  }

  /**
   * Of each worker since the first sample that has it: one that has just come is measured from its own
   * beginning, or nobody would know how fast workers are until the window has passed.
   */
  #busyRate(): number | undefined {
    let [committed, busyMs] = [0, 0];
    for (const [name, after] of this.#samples.at(-1)?.workers ?? []) {
      const before = this.#samples.find(({ workers }) => workers.has(name))?.workers.get(name);
      if (before === undefined || after.busyMs < before.busyMs) continue;
      committed += Number(after.committed - before.committed);
      busyMs += Number(after.busyMs - before.busyMs);
    }
    return busyMs < busyMsMin ? undefined : Math.max(0, Math.round((committed * 1000) / busyMs));
  }
}
