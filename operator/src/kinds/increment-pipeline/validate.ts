/**
 * Judges a spec by what the schema and its rules cannot say, and repeats what they do say, since a
 * resource may have been stored before a rule existed. Pure.
 */
import { spec as specSchema, type IncrementPipelineSpec } from '@millrace/crds/increment-pipeline';
import { Compile } from 'typebox/compile';

export interface Problem {
  readonly reason: 'InvalidSpec';
  readonly message: string;
}

export type Verdict =
  | { readonly ok: true; readonly spec: IncrementPipelineSpec }
  | { readonly ok: false; readonly problem: Problem };

const specCheck = Compile(specSchema);

export function validate(spec: unknown): Verdict {
  if (!specCheck.Check(spec)) return invalid(schemaProblem(spec));
  for (const check of checks) {
    const message = check(spec);
    if (message !== undefined) return invalid(message);
  }
  return { ok: true, spec };
}

function invalid(message: string): Verdict {
  return { ok: false, problem: { reason: 'InvalidSpec', message } };
}

function schemaProblem(spec: unknown): string {
  const [problem] = specCheck.Errors(spec);
  const path = `spec${problem?.instancePath ?? ''}`.replaceAll('/', '.');
  return `${path} ${problem?.message ?? 'is not as the schema asks'}. Correct this field.`;
}

/** Each names the field and the remedy, or finds nothing; the first that objects decides. */
const checks: readonly ((spec: IncrementPipelineSpec) => string | undefined)[] = [workerNumbers];

function workerNumbers({ workers }: IncrementPipelineSpec): string | undefined {
  const { min = 0, max = 4 } = workers ?? {};
  if (min <= max) return undefined;
  return `spec.workers.min (${min}) is greater than spec.workers.max (${max}): lower one or raise the other.`;
}
