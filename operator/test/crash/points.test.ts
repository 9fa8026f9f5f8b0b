/**
 * Every single point of every story of every kind: the operator is ended there and another process
 * takes over, the call is refused, its answer is lost, a second leader overlaps, the event is lost
 * until a relist, late, or comes twice. One file, since loading the operator and playing the
 * undisturbed runs takes longer than hundreds of points.
 */
import {
  answerLost,
  deposedLate,
  deposedSlowly,
  endedAfter,
  endedBefore,
  eventLate,
  eventLost,
  eventTwice,
  refused,
  restartedStale,
} from './modes.ts';
import { partsOf, proveCalls, proveEvents, stories } from './prove.ts';

const whole = await stories();
const parts = (await Promise.all(whole.map((story) => partsOf(story)))).flat();

proveCalls(whole, [endedAfter]);
proveCalls(parts, [endedBefore, restartedStale, refused, answerLost, deposedLate, deposedSlowly]);
proveEvents(parts, [eventLost, eventTwice, eventLate]);
