/**
 * Conditions every status shares. `Ready`, `Reconciling` and `Stalled` are kstatus's: generic tools
 * wait on them. Reasons are closed enums, so that people and alerts can match on them.
 */
import { Type, type Static } from 'typebox';
import { Enum, object } from './schema.ts';

export const condition = object(
  {
    type: Type.String({ maxLength: 64, description: 'Name of the condition in CamelCase.' }),
    status: Enum(['True', 'False', 'Unknown'], { description: 'Whether the condition holds.' }),
    reason: Type.String({
      maxLength: 64,
      description: 'Why, as one CamelCase word from a closed set.',
    }),
    message: Type.String({
      maxLength: 4096,
      description: 'Why, for people, with what to do next.',
    }),
    lastTransitionTime: Type.String({
      maxLength: 32,
      description: 'When the status last changed (RFC 3339, UTC).',
    }),
    observedGeneration: Type.Integer({
      minimum: 0,
      description: 'The generation this condition was computed from.',
    }),
  },
  { description: 'One claim about the resource.' },
);
export type Condition = Static<typeof condition>;

/** A list of conditions, one a type, as the API server merges it. */
export function conditionList(): ReturnType<typeof Type.Array<typeof condition>> {
  return Type.Array(condition, {
    maxItems: 16,
    description: 'Claims about the resource, one a type.',
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['type'],
  });
}

/** How one backend looks from the pod that reports. */
export const backendState = object(
  {
    name: Enum(['postgres', 'redis', 'rabbitmq'], { description: 'The backend.' }),
    ok: Type.Boolean({ description: 'Whether it answers.' }),
    reason: Type.Optional(
      Type.String({ maxLength: 64, description: 'Failure code, such as AuthenticationFailed.' }),
    ),
    message: Type.Optional(
      Type.String({ maxLength: 1024, description: 'What was tried and what to do.' }),
    ),
    since: Type.Optional(
      Type.String({ maxLength: 32, description: 'Since when it has been so (RFC 3339, UTC).' }),
    ),
  },
  { description: 'One backend as seen from a pod.' },
);
export type BackendState = Static<typeof backendState>;
