/** `npm run images`: the images of Millrace as OCI archives, without a container engine. */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

import { Argument, Command, CommanderError } from 'commander';

import { archiveFolder, buildImage, imageFiles, imageNames, type ImageName } from './build.ts';

interface Options {
  readonly out: string;
  readonly tag?: string;
  readonly files?: string;
}

const after = `
Examples:
  npm run images
  npm run images -- operator --tag 0.1.0-dev
  npm run cluster -- load-image .millrace/images/operator.tar

Prints one line for each: file, reference, digest, size. Exit codes: 0 done, 1 failed, 64 wrong usage.`;

function say(line: string): void {
  console.error(line);
}

/** What a Dockerfile copies: the programs and notices as plain files below a folder. */
async function writeFiles(image: ImageName, folder: string): Promise<void> {
  for (const [path, entry] of await imageFiles(image, say)) {
    if (entry.type !== 'file') continue;
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, entry.content);
    await chmod(target, entry.mode);
  }
}

async function images(names: readonly ImageName[], options: Options): Promise<void> {
  const wanted = names.length === 0 ? imageNames : names;
  if (options.files !== undefined) {
    for (const image of wanted) await writeFiles(image, resolve(options.files));
    return;
  }
  for (const image of wanted) {
    const { file, reference, digest, bytes } = await buildImage({
      image,
      out: options.out,
      ...(options.tag === undefined ? {} : { tag: options.tag }),
      log: say,
    });
    console.log(`${file} ${reference} ${digest} ${(bytes / 1e6).toFixed(1)} MB`);
  }
}

const program = new Command('npm run images --')
  .description('Writes the images of Millrace as OCI archives, byte for byte the same each time.')
  .addArgument(new Argument('[image...]', 'which; all unless told').choices(imageNames))
  .option('--out <folder>', 'where the archives go', archiveFolder)
  .option('--tag <tag>', 'instead of the version of Millrace')
  .option('--files <folder>', 'write only the programs, as files, for a Dockerfile to copy')
  .addHelpText('after', after)
  .exitOverride()
  .action(images);

try {
  await program.parseAsync();
} catch (error) {
  // Commander ends with 1 for wrong usage; here that is 64, as everywhere else in Millrace.
  const isUsage = error instanceof CommanderError;
  if (!isUsage) say(error instanceof Error ? error.message : String(error));
  process.exitCode = isUsage ? (error.exitCode === 0 ? 0 : 64) : 1;
}
