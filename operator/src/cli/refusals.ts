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
  const problems = message.replace(/^.*? is invalid: /s, '').replace(/^\[(.*)\]$/s, '$1');
  return problems
    .split(/(?:, |; |\n\s*\.?)(?=(?:spec|metadata|data|<nil>)[.[:])/)
    .filter((problem) => !problem.startsWith('<nil>'))
    .map((problem) => {
      const typed =
        /^failed to create typed patch object .*?: (?:errors:\s*)?\.?(?=spec|metadata)/s;
      const text = problem
        .replace(typed, '')
        .replace(/^\.(?=spec|metadata)/, '')
        .trim();
      const path = /^(?:spec|metadata|data)(?:\.[\w-]+|\[[^\]]*\])*/.exec(text)?.[0] ?? '';
      return `${whereIs(asIndexes(path, value))}: ${text.replaceAll(/\s+/g, ' ')}`;
    });
}

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
