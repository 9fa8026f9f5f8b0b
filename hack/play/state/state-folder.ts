import { access, constants, mkdir } from 'node:fs/promises';
import { Refusal } from '../refusal.ts';

/** Makes the state folder; refuses, before anything starts, one that cannot be written. */
export async function ensureStateFolder(root: string): Promise<void> {
  try {
    await mkdir(root, { recursive: true, mode: 0o700 });
    await access(root, constants.W_OK);
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new Refusal(
      `The state folder ${root} cannot be written (${code}). Choose another with --state.`,
      { cause: error },
    );
  }
}
