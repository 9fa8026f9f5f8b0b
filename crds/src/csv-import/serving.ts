/** How the table is served over HTTP, and what of it is cached. */
import { Type } from 'typebox';
import { auth } from '../http.ts';
import { Enum, GoDuration, goDuration, object, rule } from '../schema.ts';
import { identifier } from './column.ts';

export const cache = object(
  {
    mode: Type.Optional(
      Enum(['Off', 'Invalidate'], {
        description:
          'Off (default; write "Off", since kubectl reads a bare Off as false): reads go to Postgres. Invalidate: reads are cached in Redis and made stale by each chunk.',
      }),
    ),
    ttl: Type.Optional(
      rule(
        GoDuration({
          description: 'Longest life of a cached row, such as 90s or 1h30m; default 2m.',
        }),
        `self.matches('${goDuration}') && duration(self) >= duration('1s') && duration(self) <= duration('720h')`,
        'cache.ttl must be a duration from 1s to 720h, such as 90s or 1h30m',
      ),
    ),
  },
  { description: 'Cache of the gateway.' },
);

export const serve = object(
  {
    enabled: Type.Optional(
      Type.Boolean({ description: 'Serve the table over HTTP; default false.' }),
    ),
    replicas: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 64, description: 'Gateways; default 1.' }),
    ),
    filters: Type.Optional(
      Type.Array(
        Type.String({
          pattern: identifier,
          maxLength: 63,
          description: 'Name of a column of the table, in lower case.',
        }),
        {
          maxItems: 16,
          'x-kubernetes-list-type': 'set',
          description: 'Text columns that lists can be filtered by.',
        },
      ),
    ),
    auth: Type.Optional(auth),
  },
  { description: 'The HTTP gateway.' },
);
