/** The notices that the licences of bundled packages ask for, as one text for the image. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
}

const rule = `${'-'.repeat(100)}\n`;

async function notice(folder: string): Promise<string> {
  const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest;
  const names = (await readdir(folder)).filter((name) =>
    /^(licen[cs]e|notice|copying)/i.test(name),
  );
  const texts = await Promise.all(
    names.toSorted().map(async (name) => readFile(join(folder, name), 'utf8')),
  );
  const { name, version, license = 'see below' } = manifest;
  return [`${name} ${version} (${license})\n`, ...texts].join('\n');
}

/** `packages` are folders from the top of the checkout. */
export async function thirdPartyNotices(top: string, packages: readonly string[]): Promise<string> {
  const notices: string[] = [];
  for (const folder of packages) notices.push(await notice(join(top, folder)));
  return notices.join(`\n${rule}\n`);
}
