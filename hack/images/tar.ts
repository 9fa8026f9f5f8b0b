/**
 * Writes ustar archives whose bytes depend on nothing but the entries: sorted by path, owned by root,
 * dated 1970, no names of users. The host's tar is not used because its output differs by version.
 *
 * Files, folders and symbolic links only; a path has at most 100 bytes, or 255 where a slash lets it
 * be parted. Nothing in an image comes near that.
 */

export type TarEntry =
  | { readonly type: 'file'; readonly content: Buffer; readonly mode: number }
  | { readonly type: 'folder'; readonly mode: number }
  | { readonly type: 'link'; readonly target: string };

const blockBytes = 512;
const nameBytesMax = 100;
const prefixBytesMax = 155;
/** ustar writes sizes as eleven octal digits. */
const fileBytesMax = 8 ** 11 - 1;
const typeFlags = { file: '0', folder: '5', link: '2' } as const;

interface SplitPath {
  readonly prefix: string;
  readonly name: string;
}

function split(path: string): SplitPath {
  if (Buffer.byteLength(path) <= nameBytesMax) return { prefix: '', name: path };
  for (let at = path.indexOf('/'); at > 0; at = path.indexOf('/', at + 1)) {
    const prefix = path.slice(0, at);
    const name = path.slice(at + 1);
    const fits = Buffer.byteLength(name) <= nameBytesMax && name !== '';
    if (fits && Buffer.byteLength(prefix) <= prefixBytesMax) return { prefix, name };
  }
  throw new Error(`the path is too long for an archive: ${path}`);
}

function octal(value: number, digits: number): string {
  return `${value.toString(8).padStart(digits, '0')}\0`;
}

function header(path: string, entry: TarEntry): Buffer {
  const { prefix, name } = split(entry.type === 'folder' ? `${path}/` : path);
  const bytes = entry.type === 'file' ? entry.content.length : 0;
  if (bytes > fileBytesMax) throw new Error(`the file is too large for an archive: ${path}`);
  const target = entry.type === 'link' ? entry.target : '';
  if (Buffer.byteLength(target) > nameBytesMax) throw new Error(`the link is too long: ${path}`);

  const block = Buffer.alloc(blockBytes);
  block.write(name, 0);
  block.write(octal(entry.type === 'link' ? 0o777 : entry.mode, 7), 100);
  block.write(octal(0, 7), 108);
  block.write(octal(0, 7), 116);
  block.write(octal(bytes, 11), 124);
  block.write(octal(0, 11), 136);
  // The sum counts its own field as spaces.
  block.write(' '.repeat(8), 148);
  block.write(typeFlags[entry.type], 156);
  block.write(target, 157);
  block.write('ustar\x0000', 257);
  block.write(prefix, 345);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

function byPath([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number {
  return one < other ? -1 : 1;
}

/** The archive in pieces, so that a large file is never copied. */
export function tar(entries: ReadonlyMap<string, TarEntry>): readonly Buffer[] {
  const pieces: Buffer[] = [];
  for (const [path, entry] of [...entries].toSorted(byPath)) {
    pieces.push(header(path, entry));
    if (entry.type !== 'file') continue;
    const rest = entry.content.length % blockBytes;
    pieces.push(entry.content);
    if (rest > 0) pieces.push(Buffer.alloc(blockBytes - rest));
  }
  pieces.push(Buffer.alloc(2 * blockBytes));
  return pieces;
}

/** Adds the folders that the paths lie in, where they are not entries themselves. */
export function withFolders(entries: ReadonlyMap<string, TarEntry>): Map<string, TarEntry> {
  const all = new Map(entries);
  for (const path of entries.keys()) {
    for (let at = path.indexOf('/'); at > 0; at = path.indexOf('/', at + 1)) {
      const folder = path.slice(0, at);
      if (!all.has(folder)) all.set(folder, { type: 'folder', mode: 0o755 });
    }
  }
  return all;
}
