/** The termination message of a pod: what it came to, for whoever reads the pod's status. */
import { writeFile } from 'node:fs/promises';
import type { Log } from '@millrace/kit/log';

/** One that cannot be written changes nothing of what the process came to. */
export async function leaveLastWords(file: string, text: string, log: Log): Promise<void> {
  await writeFile(file, text).catch((error: unknown) =>
    log.warn({ err: error }, 'termination message could not be written'),
  );
}
