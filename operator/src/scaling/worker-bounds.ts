/** What keeps the number of workers from being what the arithmetic says, in the order it is asked. */

export interface WorkerBounds {
  readonly min: number;
  readonly max: number;
}

export interface Limits {
  readonly bounds: WorkerBounds;
  readonly usefulMax: number;
  /** Both bounds at once: workers without anything to do help nobody, even if `min` asks for them. */
  readonly least: number;
  readonly most: number;
}

export function limitsOf(bounds: WorkerBounds, usefulMax = Number.POSITIVE_INFINITY): Limits {
  const most = Math.min(usefulMax, bounds.max);
  return { bounds, usefulMax, most, least: Math.min(bounds.min, most) };
}

export interface Bounded {
  readonly workers: number;
  /** One for each bound that changed the number. */
  readonly sentences: string[];
}

export function bounded(asked: number, { bounds, usefulMax, least, most }: Limits): Bounded {
  const sentences: string[] = [];
  const useful = Math.min(asked, usefulMax);
  if (useful < asked) sentences.push(`at most ${usefulMax}: more workers would have nothing to do`);
  if (useful > most) sentences.push(`at most ${bounds.max} by workers.max`);
  if (useful < least) sentences.push(`at least ${least} by workers.min`);
  return { workers: Math.max(least, Math.min(useful, most)), sentences };
}
