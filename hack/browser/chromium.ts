/**
 * A real Chromium for tests of what people see: by the path in MILLRACE_CHROMIUM, else from PATH, else
 * from Debian's packages in the cache, where nothing is installed and nothing runs as root.
 *
 * It is the headless shell: the same engine without the windows, a third of the size.
 */
import { join } from 'node:path';

import { cacheDirectory } from '../backends/cache.ts';
import { findProgram, run } from '../backends/command.ts';
import { debianPackages, libraryPath } from '../backends/debian.ts';

export interface Chromium {
  readonly executablePath: string;
  /** What the process needs beside its arguments. */
  readonly env: Readonly<Record<string, string>>;
  readonly version: string;
}

export interface ChromiumSearch {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: (line: string) => void;
  readonly signal?: AbortSignal;
}

const variable = 'MILLRACE_CHROMIUM';
const names = ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome'];

/** The shell, and the libraries that a host without a desktop lacks; drivers of graphics cards are not among them. */
const packages = [
  'chromium-headless-shell',
  'chromium-common',
  'fontconfig-config',
  'fonts-dejavu-core',
  'libasound2',
  'libasound2-data',
  'libasyncns0',
  'libatk1.0-0',
  'libatspi2.0-0',
  'libbrotli1',
  'libbsd0',
  'libdav1d6',
  'libdbus-1-3',
  'libdouble-conversion3',
  'libdrm2',
  'libexpat1',
  'libffi8',
  'libflac12',
  'libfontconfig1',
  'libfreetype6',
  'libgbm1',
  'libglib2.0-0',
  'libgraphite2-3',
  'libharfbuzz-subset0',
  'libharfbuzz0b',
  'libjpeg62-turbo',
  'liblcms2-2',
  'libmd0',
  'libminizip1',
  'libmp3lame0',
  'libmpg123-0',
  'libnspr4',
  'libnss3',
  'libogg0',
  'libopenh264-7',
  'libopenjp2-7',
  'libopus0',
  'libpcre2-8-0',
  'libpng16-16',
  'libpulse0',
  'libsndfile1',
  'libsqlite3-0',
  'libudev1',
  'libvorbis0a',
  'libvorbisenc2',
  'libwayland-server0',
  'libx11-6',
  'libx11-xcb1',
  'libxau6',
  'libxcb-randr0',
  'libxcb1',
  'libxcomposite1',
  'libxdamage1',
  'libxdmcp6',
  'libxext6',
  'libxfixes3',
  'libxi6',
  'libxkbcommon0',
  'libxnvctrl0',
  'libxrandr2',
  'libxrender1',
  'xkb-data',
];

/** Throws with every reason when there is none to be had. */
export async function findChromium(search: ChromiumSearch): Promise<Chromium> {
  const { env } = search;
  const path = env['PATH'] ?? '';
  const told = env[variable];
  if (told !== undefined && told !== '') return await checked(told, { PATH: path });
  for (const name of names) {
    const found = await findProgram(name, env);
    if (found !== undefined) return await checked(found, { PATH: path });
  }
  try {
    return await inCache(search);
  } catch (error) {
    throw new Error(
      `no Chromium on PATH, and its packages cannot be had: install one, or set ${variable}`,
      { cause: error },
    );
  }
}

async function inCache({ env, log, signal }: ChromiumSearch): Promise<Chromium> {
  const folder = await debianPackages(
    { name: 'chromium', revision: 1, packages },
    {
      env,
      cacheDir: cacheDirectory(env),
      folder: '',
      log: (line) => log(`chromium: ${line}`),
      signal: signal ?? new AbortController().signal,
    },
  );
  const lib = join(folder, 'usr', 'lib');
  const libraries = [await libraryPath(folder), join(lib, 'x86_64-linux-gnu', 'pulseaudio')];
  return await checked(join(lib, 'chromium', 'chromium-headless-shell'), {
    PATH: env['PATH'] ?? '',
    LD_LIBRARY_PATH: libraries.join(':'),
    FONTCONFIG_PATH: join(folder, 'etc', 'fonts'),
    XDG_DATA_HOME: join(folder, 'usr', 'share'),
  });
}

async function checked(
  executablePath: string,
  env: Readonly<Record<string, string>>,
): Promise<Chromium> {
  const text = await run(executablePath, ['--version'], { env, timeoutMs: 30_000 });
  const version = /(\d+(\.\d+)+)/.exec(text)?.[1];
  if (version === undefined) throw new Error(`${executablePath} does not tell its version`);
  return { executablePath, env, version };
}
