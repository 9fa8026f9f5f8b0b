/** Every single event of a watch is lost until a relist, delivered twice, or late. */
import { eventLate, eventLost, eventTwice } from './modes.ts';
import { proveEvents, stories } from './prove.ts';

proveEvents(await stories(), [eventLost, eventTwice, eventLate]);
