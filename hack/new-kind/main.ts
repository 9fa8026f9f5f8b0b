/**
 * Writes all parts of a new kind, with tests that fail and say what to write next, and its line in
 * each registry. Nothing that exists is written over. ARCHITECTURE.md has the recipe.
 */
import { execFile } from 'node:child_process';
import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { Permanent } from '@millrace/kit/permanent';
import { kindNames, type KindNames } from './names.ts';
import { partFolders, partsOf, type Part } from './parts.ts';
import { registries } from './registries.ts';

const usage = `npm run new-kind -- <Name> [--short <name>] [--dry-run]

Writes the parts of a new kind, such as PriceFeed, and its line in each registry.
  --short <name>   short name for kubectl; the initials if left out
  --dry-run        says what it would write, and writes nothing
  --into <folder>  another checkout than this one
`;

const options = {
  short: { type: 'string' },
  'dry-run': { type: 'boolean' },
  into: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const [name, ...more] = positionals;
  if (values.help === true) {
    console.log(usage);
    return 0;
  }
  if (name === undefined || more.length > 0) {
    console.error(usage);
    return 64;
  }
  const root = resolve(values.into ?? join(import.meta.dirname, '..', '..'));
  const names = kindNames(name, values.short);
  await refuseTaken(names, root);
  await refuseExisting(names, root);
  const parts = await partsOf(names);
  const changed = await registered(names, root);
  const isDry = values['dry-run'] === true;
  for (const { path } of parts) console.log(`${isDry ? 'would write' : 'written'}: ${path}`);
  for (const { path } of changed) console.log(`${isDry ? 'would change' : 'changed'}: ${path}`);
  if (isDry) return 0;
  for (const { path, text } of [...parts, ...changed]) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  await tidy([...parts, ...changed], root);
  console.log(nextSteps(names));
  return 0;
}

/** Names that another kind, or Kubernetes' command line, would take for something else. */
async function refuseTaken(names: KindNames, root: string): Promise<void> {
  const { kinds } = (await import(join(root, 'crds', 'src', 'index.ts'))) as {
    readonly kinds: readonly Pick<KindNames, 'kind' | 'plural' | 'shortName' | 'slug'>[];
  };
  for (const field of ['kind', 'slug', 'plural', 'shortName'] as const) {
    const holder = kinds.find((kind) => kind[field] === names[field]);
    if (holder === undefined) continue;
    const remedy = field === 'shortName' ? 'give another with --short' : 'choose another name';
    throw new Permanent('NameTaken', `${names[field]} is ${holder.kind} already: ${remedy}.`);
  }
}

/** A folder of that name may also be a mechanism that kinds share, such as `runtimes/src/csv`. */
async function refuseExisting({ slug }: KindNames, root: string): Promise<void> {
  for (const path of await partFolders(slug)) {
    const exists = await access(join(root, path)).then(
      () => true,
      () => false,
    );
    if (exists) throw new Permanent('Exists', `${path} exists already: choose another name.`);
  }
}

async function registered(names: KindNames, root: string): Promise<readonly Part[]> {
  const all = await Promise.all(
    registries.map(async ({ path, register }) => {
      const before = await readFile(join(root, path), 'utf8');
      return { path, before, text: register(before, names) };
    }),
  );
  return all.filter(({ before, text }) => text !== before);
}

const run = promisify(execFile);

/** Formats what was written, since names differ in length, and generates the definition. */
async function tidy(files: readonly Part[], root: string): Promise<void> {
  const written = files.map(({ path }) => path).filter((path) => !path.endsWith('.sql'));
  await run(join(root, 'node_modules', '.bin', 'oxfmt'), written, { cwd: root });
  await run(process.execPath, [join(root, 'hack', 'gen', 'main.ts')], { cwd: root });
}

function nextSteps({ slug }: KindNames): string {
  return `
Next: npx vitest run --config hack/test/vitest.config.ts ${slug}
Each failing test says what to write. Then operator/test/crash/scenarios/${slug}.ts, which the crash
proof asks for, and the recipe in ARCHITECTURE.md.`;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof Permanent)) throw error;
  console.error(error.message);
  process.exitCode = 64;
}
