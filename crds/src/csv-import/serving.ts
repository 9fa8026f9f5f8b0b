/** How the table is served over HTTP, and what of it is cached. */
import { Type } from 'typebox';
import { auth, rateLimit } from '../http.ts';
import { Enum, GoDuration, goDuration, object, Quantity, quantityBytes, rule } from '../schema.ts';
import { identifier } from './column.ts';

export const cache = object(
  {
    mode: Type.Optional(
      Enum(['Off', 'Invalidate', 'Warm'], {
        description:
          'Off (default; write "Off", since kubectl reads a bare Off as false): reads go to Postgres. Invalidate: reads are cached in Redis and made stale by each chunk. Warm: each chunk also writes its rows there, up to maxBytes.',
      }),
    ),
    maxBytes: Type.Optional(
      rule(
        Quantity({
          description: 'Most bytes that Warm keeps in Redis, from 1Mi to 1Ti; default 64Mi.',
        }),
        `type(self) == int ? self >= 1048576 && self <= ${quantityBytes('1Ti')} : isQuantity(self) && quantity(self).compareTo(quantity('1Mi')) >= 0 && quantity(self).compareTo(quantity('1Ti')) <= 0`,
        'cache.maxBytes must be a size from 1Mi to 1Ti, such as 256Mi',
      ),
    ),
    ttl: Type.Optional(
      rule(
        GoDuration({
          description:
            'Longest life of a cached row, such as 90s or 1h30m; default 2m, with Warm 24h.',
        }),
        `self.matches('${goDuration}') && duration(self) >= duration('1s') && duration(self) <= duration('720h')`,
        'cache.ttl must be a duration from 1s to 720h, such as 90s or 1h30m',
      ),
    ),
  },
  { description: 'Cache of the gateway.' },
);
rule(cache, "!has(self.maxBytes) || (has(self.mode) && self.mode == 'Warm')", {
  message: 'cache.maxBytes bounds mode Warm only; set cache.mode to Warm, or remove it',
  fieldPath: '.maxBytes',
});

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
    rateLimit: Type.Optional(rateLimit),
  },
  { description: 'The HTTP gateway.' },
);
