/** What every HTTP gateway can be asked for beside its own endpoints: who may call it, and how often. */
import { Type, type Static } from 'typebox';
import { Enum, GoDuration, goDuration, object, rule } from './schema.ts';

export const rateLimit = object(
  {
    requests: Type.Integer({
      minimum: 1,
      maximum: 1_000_000_000,
      description:
        'Most requests of one client, or that name one key, in each period; one more is answered 429.',
    }),
    per: rule(
      GoDuration({ description: 'The period, from 1s to 1h, such as 1m.' }),
      `self.matches('${goDuration}') && duration(self) >= duration('1s') && duration(self) <= duration('1h')`,
      'rateLimit.per must be a duration from 1s to 1h, such as 1m',
    ),
    by: Type.Optional(
      Enum(['Client', 'Key'], {
        description:
          'What is counted. Client (default): requests of one token, or of one address where there are no tokens. Key: requests that name one key.',
      }),
    ),
  },
  { description: 'Bound on requests, over all gateways together; left out, there is none.' },
);
export type RateLimit = Static<typeof rateLimit>;

/** The same in the configuration file of pods. */
export const podRateLimit = object(
  {
    requests: Type.Integer({ minimum: 1, description: 'Most requests in a period.' }),
    perMs: Type.Integer({ minimum: 1, description: 'The period.' }),
    by: Enum(['Client', 'Key'], { description: 'What is counted.' }),
  },
  { description: 'Bound on requests; absent: none.' },
);
export type PodRateLimit = Static<typeof podRateLimit>;

export const auth = object(
  {
    mode: Enum(['None', 'Tokens'], {
      description:
        'None (default): everybody who reaches the gateway may use it. Tokens: a bearer token that the key TOKENS of the backends Secret lists, one `name:token` a line.',
    }),
  },
  { description: 'Who may use the gateway.' },
);
export type Auth = Static<typeof auth>;
