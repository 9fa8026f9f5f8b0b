import { Permanent } from '@millrace/kit/permanent';

/** What was read before is not what is read now. */
export function contentChanged(label: string): Permanent {
  return new Permanent(
    'SourceChanged',
    `The content of ${label} is another one than this import had begun to load. Create a new import for the new content.`,
    { backend: 'source' },
  );
}
