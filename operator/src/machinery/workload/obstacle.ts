/** Why a pass could not do what its plan says, and what is therefore waited for. Pure. */
import type { Wait } from '../step.ts';
import { refusalRetrySeconds, type Waited } from '../waiting.ts';

export interface Obstacle {
  readonly reason: 'InvalidSpec' | 'NameTaken' | 'Refused';
  readonly message: string;
  /** The object that is in the way, as Kind/name. */
  readonly object?: string;
}

export interface Blocked {
  readonly obstacle: Obstacle | undefined;
  /** What the plan cannot go on without. */
  readonly waits: readonly Wait[];
}

/** What stands in the way of the resource `self`, Kind/name, and what its plan waits for. */
export function blockedWaits({ obstacle, waits }: Blocked, self: string): readonly Waited[] {
  const planned = waits.map((wait) => ({
    what: wait.for,
    object: wait.object,
    ...(wait.requeueAfterMs === undefined ? {} : { retrySeconds: wait.requeueAfterMs / 1_000 }),
  }));
  return obstacle === undefined ? planned : [obstacleWait(obstacle, self), ...planned];
}

function obstacleWait({ reason, object }: Obstacle, self: string): Waited {
  const retry = { object: object ?? self, retrySeconds: refusalRetrySeconds };
  switch (reason) {
    case 'NameTaken':
      return { what: 'the name of a child to be free', ...retry };
    case 'Refused':
      return { what: 'the API server to accept a child', ...retry };
    case 'InvalidSpec':
      return { what: 'a valid spec', object: self };
  }
}
