/**
 * What an API server objects to in a manifest, each objection with the file and line of its field.
 *
 * The server answers with one text: a list of `path: what is wrong` from the schema and its rules,
 * or, for a field that the schema does not know, the complaint of the typed reader. Both are cut into
 * objections by the paths that start them; what has no path stands for the whole object.
 */
import type { ManifestDocument } from './manifest-file.ts';

export function refusalLines(message: string, document: ManifestDocument): readonly string[] {
  const { value, whereIs } = document;
  return message
    .replace(/^.*? is invalid: /s, '')
    .replace(/^failed to create typed patch object \(.*?\): (?:errors:\s*)?/s, '')
    .replace(/^\[(.*)\]$/s, '$1')
    .split(/(?:, |; |\n\s*)(?=\.?(?:spec|metadata|data|<nil>)[.[:])/)
    .filter((problem) => !problem.startsWith('<nil>'))
    .map((problem) => {
      const text = problem.replace(/^\.(?=spec|metadata|data)/, '').trim();
      const path = (unknownField.exec(text) ?? fieldPath.exec(text))?.groups?.['path'] ?? '';
      return `${whereIs(asIndexes(path, value))}: ${text.replaceAll(/\s+/g, ' ')}`;
    });
}

const fieldPath = /^(?<path>(?:spec|metadata|data)(?:\.[\w-]+|\[[^\]]*\])*)/;
/** A strict reader names such a field in the text, and the whole object as its place. */
const unknownField = /^(?:strict decoding error: )?unknown field "(?<path>[^"]+)"/;

/** `spec.columns[name="id"]` as `spec.columns[0]`, which is how positions are found. */
function asIndexes(path: string, value: unknown): string {
  const written: string[] = [];
  let at: unknown = value;
  for (const [part, keyed] of path.matchAll(/\.?[\w-]+|\[(?<keyed>[^\]]*)\]/g)) {
    if (keyed === undefined) {
      at = (at as Record<string, unknown> | undefined)?.[part.replace(/^\./, '')];
      written.push(part);
      continue;
    }
    const items = Array.isArray(at) ? (at as readonly unknown[]) : [];
    const index = /^\d+$/.test(keyed)
      ? Number(keyed)
      : items.findIndex((item) => isKeyed(item, keyed));
    if (index < 0) break;
    at = items[index];
    written.push(`[${String(index)}]`);
  }
  return written.join('');
}

function isKeyed(item: unknown, keyed: string): boolean {
  const [field = '', wanted = ''] = keyed.split('=');
  const held = (item as Record<string, unknown> | null)?.[field];
  return JSON.stringify(held) === wanted;
}
