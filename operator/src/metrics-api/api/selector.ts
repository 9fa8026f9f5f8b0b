/**
 * Which resource a label selector names: both `millrace.dev/kind` and `millrace.dev/name`, each with
 * one value. Pure. An autoscaler that left one out would be given the sum of several resources by
 * servers that take selectors at their word, and scale one of them by it; here it is told what to write.
 */
export const kindLabel = 'millrace.dev/kind';
export const nameLabel = 'millrace.dev/name';

export type Selected =
  | { readonly ok: true; readonly kind: string; readonly name: string }
  | { readonly ok: false; readonly reason: string };

const help = `write ${kindLabel}=<Kind>,${nameLabel}=<name>`;

export function selectedBy(selector: string): Selected {
  const values = new Map<string, string>();
  for (const part of requirements(selector)) {
    const { groups } = equality.exec(part) ?? oneOf.exec(part) ?? {};
    const { key, value } = groups ?? {};
    if (key === undefined || value === undefined) return wrong('a requirement is not key=value');
    if (key !== kindLabel && key !== nameLabel) return wrong('a label is unknown');
    if (values.has(key)) return wrong(`${key} is there twice`);
    values.set(key, value);
  }
  const [kind, name] = [values.get(kindLabel), values.get(nameLabel)];
  if (kind === undefined || name === undefined) return wrong('a label is missing');
  return { ok: true, kind, name };
}

const equality = /^(?<key>[\w./-]+)\s*==?\s*(?<value>[\w.-]+)$/;
/** What `matchExpressions` with `In` becomes. */
const oneOf = /^(?<key>[\w./-]+)\s+in\s+\(\s*(?<value>[\w.-]+)\s*\)$/;

/** Commas within brackets are not between requirements. */
function requirements(selector: string): readonly string[] {
  const parts = selector.split(/,(?![^(]*\))/).map((part) => part.trim());
  return parts.filter((part) => part !== '');
}

function wrong(reason: string): Selected {
  return { ok: false, reason: `The label selector cannot be used: ${reason}; ${help}.` };
}
