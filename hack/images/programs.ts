/**
 * The programs of each image as bundles: what is in /app, computed in memory.
 *
 * Programs of one image share their common code as chunks beside them, so `/app` is flat: a module
 * that looks for something beside itself (the renewal worker, the migrations, the page) finds it from any
 * chunk. White space goes, because Node keeps the text of all it loads in memory; names stay, and each
 * bundle has a source map, so that a stack says where in the sources it was.
 */
import { access, readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { build, type Metafile } from 'esbuild';

export type ImageName = 'operator' | 'runtimes';
export const imageNames: readonly ImageName[] = ['operator', 'runtimes'];

/** The top of the checkout. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Program in the image → its entry in the sources. */
const entries: Readonly<Record<ImageName, Readonly<Record<string, string>>>> = {
  operator: {
    operator: 'operator/src/main.ts',
    'renewal-worker': 'operator/src/machinery/leader-election/renewal-worker.ts',
    'kubectl-millrace': 'operator/src/cli/main.ts',
    'metrics-api': 'operator/src/metrics-api/main.ts',
    uninstall: 'operator/src/uninstall/main.ts',
    'chart-test': 'operator/src/chart-test/main.ts',
  },
  runtimes: { runtimes: 'runtimes/src/main.ts' },
};

/**
 * CommonJS packages call `require`, which ES modules have not. The name is private: bundled
 * packages import `createRequire` under its own.
 */
const banner = [
  `import { createRequire as millraceCreateRequire } from 'node:module';`,
  'const require = millraceCreateRequire(import.meta.url);',
].join('\n');

export interface Programs {
  /** File name in /app → content. */
  readonly files: ReadonlyMap<string, Buffer>;
  /** Folders of the packages that are in the bundles, from the top of the checkout. */
  readonly packages: readonly string[];
}

async function existing(
  image: ImageName,
  log: (line: string) => void,
): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const [name, path] of Object.entries(entries[image])) {
    const isThere = await access(join(root, path)).then(
      () => true,
      () => false,
    );
    if (isThere) found[name] = path;
    else log(`${image}: left out ${name}.mjs, because there is no ${path}`);
  }
  return found;
}

/** The folders of packages that something of is in a bundle. */
function bundledPackages({ outputs }: Metafile): readonly string[] {
  const folders = new Set<string>();
  for (const { inputs } of Object.values(outputs)) {
    for (const path of Object.keys(inputs)) {
      const folder = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0];
      if (folder !== undefined) folders.add(folder);
    }
  }
  return [...folders].toSorted();
}

async function migrations(): Promise<ReadonlyMap<string, Buffer>> {
  const files = new Map<string, Buffer>();
  for (const slug of await readdir(join(root, 'migrations'))) {
    for (const name of await readdir(join(root, 'migrations', slug))) {
      files.set(`migrations/${slug}/${name}`, await readFile(join(root, 'migrations', slug, name)));
    }
  }
  return files;
}

/** Files that a program reads from the folder `page` beside it. */
async function page(): Promise<ReadonlyMap<string, Buffer>> {
  const folder = join(root, 'runtimes/src/csv-import/page');
  const files = new Map<string, Buffer>();
  for (const name of ['page.html', 'page.css', 'page.js']) {
    files.set(`page/${name}`, await readFile(join(folder, name)));
  }
  return files;
}

export async function programs(image: ImageName, log: (line: string) => void): Promise<Programs> {
  const result = await build({
    absWorkingDir: root,
    entryPoints: await existing(image, log),
    outdir: 'app',
    outExtension: { '.js': '.mjs' },
    // Flat, see above.
    chunkNames: '[name]-[hash]',
    write: false,
    metafile: true,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    banner: { js: banner },
    minifyWhitespace: true,
    minifySyntax: true,
    sourcemap: 'linked',
    // The lines themselves would double what is loaded; the places are what a stack needs.
    sourcesContent: false,
    legalComments: 'none',
    // A native add-on that pg loads only when asked to, and nobody does.
    external: ['pg-native'],
    logLevel: 'silent',
  });
  for (const { text } of result.warnings) log(`${image}: ${text}`);
  const files = new Map<string, Buffer>();
  for (const { path, contents } of result.outputFiles) {
    files.set(basename(path), Buffer.from(contents));
  }
  if (image === 'runtimes') {
    for (const [path, content] of [...(await migrations()), ...(await page())]) {
      files.set(path, content);
    }
  }
  return { files, packages: bundledPackages(result.metafile) };
}
