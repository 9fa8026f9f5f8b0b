/** Every single event of a watch is lost until a relist, delivered twice, or late. */
import { eventLate, eventLost, eventTwice } from './modes.ts';
import { parts, proveEvents } from './prove.ts';

proveEvents(await parts(), [eventLost, eventTwice, eventLate]);
