/** What `helm test` does: an import of a hundred rows through the backends that there are. */
import { group, integer, text } from './value.ts';

export const testsValues = group(
  'What `helm test` does: it imports a hundred rows into a table of its own and waits for the end.',
  {
    backendsSecret: text({
      default: 'millrace-backends',
      maxLength: 253,
      description: 'Secret with the addresses of the backends, in the namespace of the release.',
    }),
    existingClaim: text({
      default: '',
      maxLength: 253,
      description: 'A volume to write the file to; empty: the test makes one and removes it.',
    }),
    storageClassName: text({
      default: '',
      description: 'Of the volume that the test makes; empty: the default.',
    }),
    timeoutSeconds: integer({
      default: 180,
      minimum: 10,
      maximum: 3_600,
      description: 'How long the import may take.',
    }),
  },
);
