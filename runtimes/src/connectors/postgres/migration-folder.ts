import { fileURLToPath } from 'node:url';

/** The SQL files of a kind: at the top of the tree in a checkout, beside the bundle in an image. */
export function migrationFolder(slug: string): string {
  const isBundled = !import.meta.url.endsWith('.ts');
  const top = isBundled ? './' : '../../../../';
  return fileURLToPath(new URL(`${top}migrations/${slug}/`, import.meta.url));
}
