/** What `millrace plan` prints for people. What takes pods down is said in so many words. */
import { changeText, type FieldChange } from '../field-changes.ts';
import { plural, printable, type Paint } from '../words.ts';
import type { ResourcePlan } from './resource-plan.ts';
import type { Outcome, Rehearsed } from './rehearse.ts';

const marks: Record<Outcome, string> = {
  create: '+ create ',
  change: '~ change ',
  delete: '- delete ',
  wait: '… wait   ',
  refused: '✗ refused',
  unreached: '· then   ',
};
const colours: Record<Outcome, Parameters<Paint>[0]> = {
  create: 'green',
  change: 'yellow',
  delete: 'red',
  wait: 'cyan',
  refused: 'red',
  unreached: 'dim',
};

export interface PageOptions {
  readonly paint: Paint;
  /** Show every changed field. */
  readonly verbose: boolean;
}

export function resourcePage(plan: ResourcePlan, options: PageOptions): readonly string[] {
  const { paint } = options;
  const title = paint('bold', `${plan.kind} ${plan.namespace}/${plan.name}`);
  const lines = [`${title} ${verdictWords[plan.verdict]}  ${paint('dim', plan.where)}`];
  lines.push(...plan.refusals.map((line) => `  ${paint('red', '✗')} ${printable(line)}`));
  if (plan.verdict === 'change') lines.push(...changeLines(plan.changes, '  ', options));
  lines.push(...plan.remarks.map((remark) => `  ${paint('yellow', '!')} ${printable(remark)}`));
  if (plan.steps.length > 0) lines.push('  The operator would then');
  const width = Math.max(0, ...plan.steps.map(({ object }) => object.length));
  for (const step of plan.steps) lines.push(...stepLines(step, width, options));
  if (plan.later.length > 0) lines.push('  and once that is gone');
  lines.push(...plan.later.map((line) => `    ${paint('dim', '·')} ${printable(line)}`));
  return lines;
}

const verdictWords: Record<ResourcePlan['verdict'], string> = {
  create: 'would be created',
  change: 'would be changed',
  unchanged: 'is as in the cluster',
  refused: 'is refused by the API server',
};

function stepLines(step: Rehearsed, width: number, options: PageOptions): readonly string[] {
  const { paint } = options;
  const { outcome, object, reason, problem } = step;
  const mark = paint(colours[outcome], marks[outcome]);
  const text = printable(problem ?? reason);
  const lines = [
    outcome === 'wait' ? `    ${mark} ${text}` : `    ${mark} ${object.padEnd(width)}  ${text}`,
  ];
  if (outcome === 'change') lines.push(...changeLines(step.changes, '        ', options));
  if (step.pods !== undefined) {
    const { effect, names } = step.pods;
    const what = effect === 'restart' ? 'is replaced' : 'ends';
    const many = effect === 'restart' ? 'are replaced' : 'end';
    const verb = names.length === 1 ? what : many;
    const why = effect === 'restart' ? ', because the pod template changes' : '';
    lines.push(
      `        ${paint('red', `${plural(names.length, 'pod')} ${verb}${why}`)}: ${listed(names)}`,
    );
  }
  return lines;
}

const fieldsShown = 12;
const podsShown = 8;

function changeLines(
  changes: ResourcePlan['changes'],
  indent: string,
  { paint, verbose }: PageOptions,
): readonly string[] {
  if (verbose) return changes.map((change) => `${indent}${printable(changeText(change))}`);
  const groups = alike(changes);
  const lines = groups.slice(0, fieldsShown).map(([change, places]) => {
    const more = places > 1 ? paint('dim', ` (in ${places} places)`) : '';
    return `${indent}${printable(changeText(change))}${more}`;
  });
  const hidden = groups.length - fieldsShown;
  if (hidden > 0) {
    lines.push(`${indent}${paint('dim', `and ${plural(hidden, 'change')} more; -v shows all`)}`);
  }
  return lines;
}

/** One value changes in several places where a text is kept twice; once is enough to read. */
function alike(changes: ResourcePlan['changes']): readonly (readonly [FieldChange, number])[] {
  const groups = new Map<string, readonly [FieldChange, number]>();
  for (const change of changes) {
    const { path, before, after } = change;
    const isTelling = before !== undefined && after !== undefined && before !== after;
    const key = JSON.stringify(isTelling ? [before, after] : [path]);
    const [first, places] = groups.get(key) ?? [change, 0];
    groups.set(key, [first, places + 1]);
  }
  return [...groups.values()];
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, podsShown).join(', ');
  return names.length > podsShown ? `${shown} and ${names.length - podsShown} more` : shown;
}

export interface Summary {
  readonly create: number;
  readonly change: number;
  readonly delete: number;
  readonly wait: number;
  readonly refused: number;
  readonly podsRestarted: number;
  readonly podsEnded: number;
}

/** Resources and their children together; what is made and then scaled counts once. */
export function summaryOf(plans: readonly ResourcePlan[]): Summary {
  const tally = (wanted: string): number =>
    plans.reduce((sum, plan) => sum + objectsOf(plan, wanted).length, 0);
  const pods = (effect: string): number =>
    plans.reduce((sum, { steps }) => {
      const names = steps.flatMap((step) => (step.pods?.effect === effect ? step.pods.names : []));
      return sum + new Set(names).size;
    }, 0);
  return {
    create: tally('create'),
    change: tally('change'),
    delete: tally('delete'),
    wait: tally('wait'),
    refused: tally('refused'),
    podsRestarted: pods('restart'),
    podsEnded: pods('end'),
  };
}

function objectsOf({ verdict, steps }: ResourcePlan, wanted: string): readonly string[] {
  const itself = verdict === wanted ? ['itself'] : [];
  if (wanted === 'wait')
    return steps.flatMap((step) => (step.outcome === 'wait' ? [step.reason] : []));
  const made = new Set(steps.flatMap((step) => (step.outcome === 'create' ? [step.object] : [])));
  const objects = steps
    .filter(
      ({ outcome, object }) => outcome === wanted && (wanted === 'create' || !made.has(object)),
    )
    .map(({ object }) => object);
  return [...itself, ...new Set(objects)];
}

export function summaryLine(summary: Summary): string {
  const { create, change, wait, refused, podsRestarted, podsEnded } = summary;
  const total = create + change + summary.delete + wait + refused;
  if (total === 0) return 'Nothing to change.';
  return [
    `${create} to create, ${change} to change, ${summary.delete} to delete`,
    ...(wait > 0 ? [plural(wait, 'wait')] : []),
    ...(refused > 0 ? [`${refused} refused`] : []),
    ...(podsRestarted > 0 ? [`${plural(podsRestarted, 'pod')} replaced`] : []),
    ...(podsEnded > 0 ? [`${plural(podsEnded, 'pod')} ended`] : []),
  ]
    .join(', ')
    .concat('. Nothing was written.');
}
