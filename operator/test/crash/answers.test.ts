/** Every single call is refused once, or is done and its answer lost; the process lives on. */
import { answered, answerLost } from './modes.ts';
import { proveCalls, stories } from './prove.ts';

proveCalls(await stories(), [
  answered('Conflict'),
  answered('TooManyRequests'),
  answered('InternalError'),
  answerLost,
]);
