/** Two operators overlap at every single write: what fencing makes rare has to be harmless as well. */
import { deposedLate, deposedSlowly } from './modes.ts';
import { parts, proveCalls } from './prove.ts';

proveCalls(await parts(), [deposedLate, deposedSlowly]);
