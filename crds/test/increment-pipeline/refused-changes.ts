/** Changes of what decides where increments are found again: refused, with what to do instead. */
import type { RefusedChange } from '../refusal.ts';

export const refusedChanges: readonly RefusedChange[] = [
  {
    what: 'another table',
    patch: {
      target: {
        table: 'others',
      },
    },
    message: 'spec.target: target is immutable; create a new IncrementPipeline instead',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: spec.target: Forbidden: target is immutable; create a new IncrementPipeline instead',
  },
  {
    what: 'more partitions',
    patch: {
      partitions: 16,
    },
    message: 'spec.partitions: partitions is immutable; create a new IncrementPipeline instead',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: spec.partitions: Forbidden: partitions is immutable; create a new IncrementPipeline instead',
  },
  {
    what: 'partitions that go',
    patch: {
      partitions: null,
    },
    message: 'spec.partitions: partitions is immutable; create a new IncrementPipeline instead',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: spec.partitions: Forbidden: partitions is immutable; create a new IncrementPipeline instead',
  },
  {
    what: 'partitions that appear, even as many as there were',
    from: {
      partitions: null,
    },
    patch: {
      partitions: 8,
    },
    message: 'spec.partitions: partitions is immutable; create a new IncrementPipeline instead',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: spec.partitions: Forbidden: partitions is immutable; create a new IncrementPipeline instead',
  },
  {
    what: 'a change of two fields',
    patch: {
      target: {
        table: 'others',
      },
      workers: {
        max: 65,
      },
    },
    message:
      'spec.workers.max: must be from 1 to 64. Most workers; default 4. More than there are partitions have nothing to do.; spec.target: target is immutable; create a new IncrementPipeline instead',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: [spec.workers.max: Invalid value: 65: spec.workers.max in body should be less than or equal to 64, spec.target: Forbidden: target is immutable; create a new IncrementPipeline instead]',
  },
  {
    what: 'more workers at least than partitions',
    patch: {
      workers: {
        min: 9,
        max: 9,
      },
    },
    message:
      'spec.workers.min: workers.min must not be greater than partitions, which are 8 if left out: more workers have nothing to do',
    server:
      'IncrementPipeline.millrace.dev "page-views" is invalid: spec.workers.min: Invalid value: workers.min must not be greater than partitions, which are 8 if left out: more workers have nothing to do',
  },
];
