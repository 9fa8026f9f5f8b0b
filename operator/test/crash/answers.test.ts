/** Every single call is refused once, or is done and its answer lost; the process lives on. */
import { answerLost, refused } from './modes.ts';
import { parts, proveCalls } from './prove.ts';

proveCalls(await parts(), [refused, answerLost]);
