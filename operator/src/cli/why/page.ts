/** What `millrace why` prints for people: one headline, then the causes, then who leads. */
import { scalerOf, workersNeeded } from '../scaler.ts';
import { duration, printable, timeOf, type Paint } from '../words.ts';
import type { Cause } from './causes.ts';
import type { Explanation, State } from './explain.ts';
import type { Facts } from './facts.ts';
import { leaderLine } from './leader.ts';

const stateWords: Record<State, string> = {
  ready: 'is ready',
  working: 'is at work',
  waiting: 'waits',
  stalled: 'is stalled: it needs a person',
  paused: 'is paused',
  deleting: 'is being deleted',
  unseen: 'was changed and not worked on yet',
};
const colours: Record<State, Parameters<Paint>[0]> = {
  ready: 'green',
  working: 'green',
  waiting: 'yellow',
  stalled: 'red',
  paused: 'yellow',
  deleting: 'yellow',
  unseen: 'yellow',
};

export function whyPage(
  { state, reason, message, sinceMs, causes }: Explanation,
  facts: Facts,
  paint: Paint,
): string {
  const { resource, now, leader, unseen } = facts;
  const { kind, metadata } = resource;
  const name = paint('bold', `${kind} ${metadata.namespace}/${metadata.name}`);
  const since = sinceMs === undefined ? '' : sinceWords(state, duration(now - sinceMs));
  const why =
    reason === undefined || state === 'unseen' || state === 'deleting' ? '' : ` (${reason})`;
  const lines = [`${name} ${paint(colours[state], stateWords[state])}${why}${since}.`];
  const isSaid = causes.some(({ what }) => message !== undefined && what.includes(message));
  if (message !== undefined && !isSaid && state !== 'unseen') lines.push(`  ${printable(message)}`);
  causes.forEach((cause, index) => {
    lines.push('', ...causeLines(cause, `${index + 1}.`, { now, paint }));
  });
  lines.push('', ...scalerLines(facts, paint), paint('dim', leaderLine(leader, now)));
  if (unseen.length > 0) {
    lines.push(paint('dim', `Not looked at, for lack of permission: ${unseen.join(', ')}.`));
  }
  return lines.join('\n');
}

/** Who brings the workers about, how many they are told are needed, and why. */
function scalerLines({ status: { scaling }, now }: Facts, paint: Paint): readonly string[] {
  const scaler = scalerOf(scaling);
  if (scaling === undefined || scaler === undefined) return [];
  const needed = workersNeeded(scaling) ?? 0;
  const decidedMs = timeOf(scaling.at);
  const since = decidedMs === undefined ? '' : ` since ${duration(now - decidedMs)}`;
  const why = scaling.why === undefined ? '' : `: ${scaling.why}`;
  const line = `Workers: ${scaler} scales them; ${needed} ${needed === 1 ? 'is' : 'are'} needed${since}${why}.`;
  return [paint('dim', printable(line))];
}

/** The condition has been false for so long; its reason may be newer. */
function sinceWords(state: State, long: string): string {
  if (state === 'ready' || state === 'deleting') return `, since ${long}`;
  return state === 'unseen' ? '' : `; not ready for ${long}`;
}

interface Look {
  readonly now: number;
  readonly paint: Paint;
}

function causeLines(cause: Cause, mark: string, { now, paint }: Look): readonly string[] {
  const { what, object, sinceMs, next, because } = cause;
  const indent = ' '.repeat(mark.length + 3);
  const facts = [
    object === undefined || what.includes(object.replace('/', ' ')) ? undefined : `on ${object}`,
    sinceMs === undefined ? undefined : `since ${duration(now - sinceMs)}`,
  ].filter((fact) => fact !== undefined);
  const lines = [`  ${mark} ${printable(what)}`];
  const told = [facts.join(', '), next].filter((part) => part !== undefined && part !== '');
  if (told.length > 0) lines.push(`${indent}${paint('dim', printable(`${told.join('; ')}`))}`);
  for (const one of because)
    lines.push(...causeLines(one, '←', { now, paint }).map((line) => `   ${line}`));
  return lines;
}
