/**
 * Which spec is cared for: the newest if it is valid, else the last that was, which is kept beside
 * the configuration that it produced. Pure; the judge is the kind's own chain of checks.
 */
import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import type { KubeObject } from '../kube-api.ts';
import { controllerOf } from '../object-key.ts';
import { specKey } from './names.ts';
import { parseJson } from './pods.ts';

export interface Problem {
  readonly reason: 'InvalidSpec';
  readonly message: string;
}

export type Verdict<Spec> =
  | { readonly ok: true; readonly spec: Spec }
  | { readonly ok: false; readonly problem: Problem };

/** Names the field and the remedy, or finds nothing. */
export type Check<Spec> = (spec: Spec) => string | undefined;

/** Repeats what the schema says, since a resource may have been stored before a rule existed. */
export function judge<T extends TSchema>(
  schema: T,
  checks: readonly Check<Static<T>>[],
): (spec: unknown) => Verdict<Static<T>> {
  const compiled = Compile(schema);
  return (spec) => {
    if (!compiled.Check(spec)) {
      const [problem] = compiled.Errors(spec);
      const path = `spec${problem?.instancePath ?? ''}`.replaceAll('/', '.');
      return invalid(
        `${path} ${problem?.message ?? 'is not as the schema asks'}. Correct this field.`,
      );
    }
    for (const check of checks) {
      const message = check(spec);
      if (message !== undefined) return invalid(message);
    }
    return { ok: true, spec };
  };
}

function invalid(message: string): { readonly ok: false; readonly problem: Problem } {
  return { ok: false, problem: { reason: 'InvalidSpec', message } };
}

export interface Choice<Spec> {
  /** Undefined when no spec was ever valid. */
  readonly spec: Spec | undefined;
  readonly obstacle: Problem | undefined;
  readonly isPaused: boolean;
}

export function chooseSpec<Spec extends { readonly paused?: boolean }>(
  { spec, lastSpec }: { readonly spec: unknown; readonly lastSpec: unknown },
  validate: (spec: unknown) => Verdict<Spec>,
): Choice<Spec> {
  const verdict = validate(spec);
  if (verdict.ok) {
    return { spec: verdict.spec, obstacle: undefined, isPaused: verdict.spec.paused === true };
  }
  const last = validate(lastSpec);
  // `paused` is a wish to be left alone, and holds even in a spec that is wrong elsewhere.
  const isPaused = (spec as { readonly paused?: unknown } | undefined)?.paused === true;
  return { spec: last.ok ? last.spec : undefined, obstacle: verdict.problem, isPaused };
}

/** The spec that the ConfigMap was made from, if it is ours. */
export function lastSpecOf(configMap: KubeObject | undefined, uid: string): unknown {
  if (configMap === undefined || controllerOf(configMap)?.uid !== uid) return undefined;
  const text = (configMap['data'] as Record<string, string> | undefined)?.[specKey];
  return text === undefined ? undefined : parseJson(text);
}
