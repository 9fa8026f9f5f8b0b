/** What a IncrementPipeline waits for, most pressing first, each with the object it hangs on. Pure. */
import { refusalRetrySeconds, type Waited } from '../../machinery/waiting.ts';
import type { Facts } from './facts.ts';

export function waits({ observed, plan, isPaused, obstacle }: Facts): readonly Waited[] {
  const self = `IncrementPipeline/${observed.owner.name}`;
  if (observed.isDeleting) return [];
  if (isPaused) return [{ what: 'spec.paused to be removed', object: self }];
  const planned = plan.steps.flatMap((step) =>
    step.op === 'wait' ? [{ what: step.for, object: step.object }] : [],
  );
  if (obstacle === undefined) return planned;
  if (obstacle.reason === 'InvalidSpec') return [{ what: 'a valid spec', object: self }];
  const object = obstacle.object ?? self;
  return [
    { what: 'a child to be accepted', object, retrySeconds: refusalRetrySeconds },
    ...planned,
  ];
}
