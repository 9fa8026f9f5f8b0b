/**
 * The one line of a kind in each of the three registries, its row in the README, and its name where
 * import rules name kinds. Text in, text out; a registry that does not look as it should is refused
 * rather than guessed at.
 */
import { Permanent } from '@millrace/kit/permanent';
import type { KindNames } from './names.ts';

export interface Registry {
  /** From the root of the repository. */
  readonly path: string;
  /** The text with the kind in it; the same text if it is in already. */
  readonly register: (text: string, names: KindNames) => string;
}

export const registries: readonly Registry[] = [
  {
    path: 'crds/src/index.ts',
    register: (text, { camel, slug }) =>
      listed(imported(text, `import { ${camel}Kind } from './${slug}.ts';`), `${camel}Kind`),
  },
  {
    path: 'operator/src/registry.ts',
    register: (text, { camel, slug }) =>
      listed(imported(text, `import { ${camel} } from './kinds/${slug}/index.ts';`), camel),
  },
  {
    path: 'runtimes/src/registry.ts',
    register: (text, { camel, slug }) =>
      replaced(
        imported(text, `import { ${camel} } from './${slug}/index.ts';`),
        /\n\};\s*$/,
        `\n  '${slug}': ${camel},\n};\n`,
      ),
  },
  { path: 'README.md', register: row },
  {
    path: '.oxlintrc.json',
    // Beside a kind that is named there, whichever it is: all of them are.
    register: (text, { slug }) =>
      replaced(text, /"(\*\*\/|@millrace\/crds\/)csv-import(\/\*\*)?"/g, `$&, "$1${slug}$2"`),
  },
];

/** Above the first import, where a kind's own are; formatting puts nothing in another order. */
function imported(text: string, line: string): string {
  return replaced(text, /^import /m, `${line}\nimport `);
}

/** At the end of the one exported list of kinds. */
function listed(text: string, name: string): string {
  return replaced(text, /^(export const \w+(?:: [^=]+)? = \[[^\]]*?),?\s*\]/m, `$1, ${name}]`);
}

function row(text: string, { kind }: KindNames): string {
  if (text.includes(`| \`${kind}\``)) return text;
  const rows = /((?:^\| `[A-Z]\w+`.*\n)+)/m;
  return replaced(text, rows, `$1| \`${kind}\` | to be said | to be said | not yet |\n`);
}

function replaced(text: string, pattern: RegExp, by: string): string {
  if (!pattern.test(text)) {
    throw new Permanent(
      'BadRegistry',
      `a registry has no place for another kind (${pattern.source})`,
    );
  }
  return text.replace(pattern, by);
}
