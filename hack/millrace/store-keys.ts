/** Keys of an S3 store for a command: from a mounted Secret, or from MILLRACE_S3_* variables. */
import { backendUrls, type BackendUrls } from '@millrace/runtimes/connectors/backend-urls';
import { environment } from './environment.ts';

/** No folder, so nothing is in it. */
const nowhere = '/dev/null';

export function storeKeysGiven(secretFolder: string = nowhere): BackendUrls {
  const variables = Object.entries(environment()).map(
    ([name, value]) => [name.replace(/^MILLRACE_S3_/, 'S3_'), value] as const,
  );
  return backendUrls(secretFolder, Object.fromEntries(variables));
}
