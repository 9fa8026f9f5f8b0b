/** What `helm test` uses. */
import { group, text } from './value.ts';

export const testsValues = group('What `helm test` imports its hundred rows with.', {
  backendsSecret: text({
    default: 'millrace-backends',
    description: 'Secret of the release namespace with the addresses of the backends.',
  }),
});
