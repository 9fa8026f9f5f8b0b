/** The operator is ended at every single call it makes, and another process takes over. */
import { endedAfter, endedBefore, restartedStale } from './modes.ts';
import { parts, proveCalls, stories } from './prove.ts';

proveCalls(await stories(), [endedAfter]);
proveCalls(await parts(), [endedBefore, restartedStale]);
