/**
 * Builds a Go program once for this host and keeps it in the cache that the backends use too.
 *
 * The cache's key is made of the recipe, so a changed version or flag is a new build; of two builds
 * at once the second waits for the first, and a killed one leaves nothing behind. A host without Go
 * uses what the cache has. The user's own Go flags and work files have no say in what is built; proxy
 * and checksum database stay as the host has them.
 */
import { createHash } from 'node:crypto';
import { access, copyFile, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { cacheDirectory, cached } from '../backends/cache.ts';
import { findProgram, run } from '../backends/command.ts';
import { recipes, type GoToolName, type Recipe } from './recipes.ts';

export { goToolNames, type GoToolName } from './recipes.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface GoToolOptions {
  readonly name: GoToolName;
  readonly env: Environment;
  readonly log: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** The largest takes eight minutes on two busy cores; a hang must end some day. */
const buildDeadlineMs = 60 * 60_000;
const progressPeriodMs = 15_000;

function linkerFlags({ variables = {} }: Recipe): string {
  const set = Object.entries(variables).map(([name, value]) => `-X ${name}=${value}`);
  return ['-s', '-w', ...set].join(' ');
}

function buildArguments(recipe: Recipe): readonly string[] {
  return ['-trimpath', '-buildvcs=false', `-ldflags=${linkerFlags(recipe)}`];
}

async function wrapperFiles({ wrapper }: Recipe): Promise<readonly Buffer[]> {
  if (wrapper === undefined) return [];
  return Promise.all(
    ['go.mod', 'go.sum'].map(async (name) => readFile(wrapperPath(wrapper, name))),
  );
}

function wrapperPath(wrapper: string, name: string): string {
  return fileURLToPath(new URL(`${wrapper}/${name}`, import.meta.url));
}

async function entryName(name: GoToolName, recipe: Recipe): Promise<string> {
  const hash = createHash('sha256');
  hash.update([recipe.package, ...buildArguments(recipe), ...(recipe.files ?? [])].join('\n'));
  for (const content of await wrapperFiles(recipe)) hash.update(content);
  const system = `${process.platform}-${process.arch}`;
  return `tool-${name}-${recipe.version}-${system}-${hash.digest('hex').slice(0, 12)}`;
}

/** Cross-compilation and flags of the user's own would make a program that is not the recipe's. */
function goEnvironment(env: Environment, more: Environment): Environment {
  return {
    ...env,
    CGO_ENABLED: '0',
    GOOS: '',
    GOARCH: '',
    GOFLAGS: '',
    GOWORK: 'off',
    ...more,
  };
}

async function build(recipe: Recipe, folder: string, options: GoToolOptions): Promise<void> {
  const { env, log, name, signal } = options;
  const go = await findProgram('go', env);
  if (go === undefined) {
    throw new Error(`the cache has no ${name}, and there is no \`go\` on the PATH to build it`);
  }
  log(`building ${name} ${recipe.version} from Go modules, once for this host`);
  const startedAt = performance.now();
  const timer = setInterval(() => {
    log(`${name}: still building after ${seconds(startedAt)} s`);
  }, progressPeriodMs);
  // Beside the result, so that what a killed build leaves is removed with it.
  const scratch = join(folder, 'tmp');
  await mkdir(scratch);
  try {
    const goEnv = goEnvironment(env, { GOTMPDIR: scratch, GOBIN: join(folder, 'bin') });
    const target =
      recipe.wrapper === undefined ? `${recipe.package}@${recipe.version}` : recipe.package;
    const cwd = recipe.wrapper === undefined ? folder : wrapperPath(recipe.wrapper, '');
    await run(go, ['install', ...buildArguments(recipe), target], {
      cwd,
      env: goEnv,
      timeoutMs: buildDeadlineMs,
      ...(signal === undefined ? {} : { signal }),
    });
  } finally {
    clearInterval(timer);
    await rm(scratch, { recursive: true, force: true });
  }
  await keepFiles({ go, folder }, recipe, options);
  const program = join(folder, name);
  await rename(join(folder, 'bin', recipe.binary ?? name), program);
  const answer = await run(program, recipe.versionArguments, { env });
  if (!answer.includes(recipe.version)) {
    throw new Error(`${name} calls itself ${answer.trim()}, not ${recipe.version}`);
  }
  log(`${name}: built in ${seconds(startedAt)} s`);
}

interface Place {
  readonly go: string;
  readonly folder: string;
}

async function keepFiles(place: Place, recipe: Recipe, options: GoToolOptions): Promise<void> {
  const { module, version, files = [] } = recipe;
  if (files.length === 0) return;
  const answer = await run(place.go, ['mod', 'download', '-json', `${module}@${version}`], {
    cwd: place.folder,
    env: goEnvironment(options.env, {}),
    timeoutMs: buildDeadlineMs,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const { Dir: sources } = JSON.parse(answer) as { readonly Dir: string };
  for (const path of files) {
    await mkdir(dirname(join(place.folder, path)), { recursive: true });
    await copyFile(join(sources, path), join(place.folder, path));
  }
}

function seconds(startedAt: number): string {
  return String(Math.round((performance.now() - startedAt) / 1000));
}

/** The path of the program: from the cache, or built into it now. */
export async function goTool(options: GoToolOptions): Promise<string> {
  const { name, env, log } = options;
  const recipe = recipes[name];
  const folder = await cached(
    {
      cacheDir: cacheDirectory(env),
      name: await entryName(name, recipe),
      log,
      signal: options.signal ?? new AbortController().signal,
      waitMs: buildDeadlineMs,
    },
    async (draft) => build(recipe, draft, options),
  );
  return join(folder, name);
}

/** The path of the program if an earlier build left it, for tests that are not worth a build. */
export async function cachedGoTool(
  name: GoToolName,
  env: Environment,
): Promise<string | undefined> {
  const program = join(cacheDirectory(env), await entryName(name, recipes[name]), name);
  return access(program).then(
    () => program,
    () => undefined,
  );
}
