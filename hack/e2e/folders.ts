/** Where the suite keeps what it makes: one folder, apart from what people keep. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const suiteFolder = fileURLToPath(new URL('../../.millrace/e2e', import.meta.url));
/** For what tests write; emptied at each start. */
export const filesFolder = join(suiteFolder, 'files');
export const figuresFile = join(suiteFolder, 'figures.jsonl');
