/**
 * The connections of an import's pods, each through a proxy of its own, so that one can be cut while
 * the others live. The trials of a worker share its connections.
 */

export const linkNames = [
  'coordinator-postgres',
  'coordinator-owner',
  'coordinator-rabbitmq',
  'coordinator-redis',
  'coordinator-s3',
  'worker-postgres',
  'worker-rabbitmq',
  'worker-redis',
  'worker-s3',
  'gateway-postgres',
  'gateway-redis',
] as const;
export type LinkName = (typeof linkNames)[number];

/** Keys of the backends Secret by what a link leads to. */
export const linkKeys = {
  postgres: 'POSTGRES_URL',
  owner: 'POSTGRES_OWNER_URL',
  rabbitmq: 'RABBITMQ_URL',
  redis: 'REDIS_URL',
  s3: 'S3_ENDPOINT',
} as const;
export type LinkEnd = keyof typeof linkKeys;

export function endOf(link: LinkName): LinkEnd {
  return link.slice(link.indexOf('-') + 1) as LinkEnd;
}

export function roleOf(link: LinkName): string {
  return link.slice(0, link.indexOf('-'));
}

/** What pods are told beyond their Secret; see pod-main.ts. */
export interface PodPlan {
  /** Ports of proxies of this host; a link that is left out is a direct one. */
  readonly ports: Partial<Readonly<Record<LinkName, number>>>;
  /** A module that makes certain records kill the process that types them. */
  readonly deadly?: string;
}
