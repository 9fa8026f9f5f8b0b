/** Refused because of how the table is served. */
import type { Refusal } from '../refusal.ts';

const perMinute = { requests: 600, per: '1m' };
const refused = 'CsvImport.millrace.dev "users" is invalid: ';

export const refusedServing: readonly Refusal[] = [
  {
    what: 'a rate of nothing',
    patch: { serve: { rateLimit: { ...perMinute, requests: 0 } } },
    message:
      'spec.serve.rateLimit.requests: must be from 1 to 1000000000. Most requests of one client, or that name one key, in each period; one more is answered 429.',
    server: `${refused}spec.serve.rateLimit.requests: Invalid value: 0: spec.serve.rateLimit.requests in body should be greater than or equal to 1`,
  },
  {
    what: 'a rate without a period',
    patch: { serve: { rateLimit: { requests: 600 } } },
    message: 'spec.serve.rateLimit.per: is required. The period, from 1s to 1h, such as 1m.',
    server: `${refused}[spec.serve.rateLimit.per: Required value, <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]`,
  },
  {
    what: 'a period that is too long',
    patch: { serve: { rateLimit: { ...perMinute, per: '61m' } } },
    message: 'spec.serve.rateLimit.per: rateLimit.per must be a duration from 1s to 1h, such as 1m',
    server: `${refused}spec.serve.rateLimit.per: Invalid value: "61m": rateLimit.per must be a duration from 1s to 1h, such as 1m`,
  },
  {
    what: 'a rate by something else',
    patch: { serve: { rateLimit: { ...perMinute, by: 'Address' } } },
    message: 'spec.serve.rateLimit.by: must be one of Client, Key',
    server: `${refused}[spec.serve.rateLimit.by: Unsupported value: "Address": supported values: "Client", "Key", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]`,
  },
];
