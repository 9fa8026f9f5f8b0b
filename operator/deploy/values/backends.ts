/** Development backends: single servers without any promise, for a first look and for tests. */
import { flag, group } from './value.ts';

export const backendsValues = group('Single-node backends for development; never for production.', {
  enabled: flag({ default: false, description: 'Whether the chart brings them.' }),
});
