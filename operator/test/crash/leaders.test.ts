/** Two operators overlap at every single write: what fencing makes rare has to be harmless as well. */
import { deposedLate, deposedSlowly } from './modes.ts';
import { proveCalls, stories } from './prove.ts';

proveCalls(await stories(), [deposedLate, deposedSlowly]);
