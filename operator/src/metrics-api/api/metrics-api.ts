/**
 * One request, from who asks to the answer; what TLS and HTTP are is not known here.
 *
 * Order: who is it, may they, is it there. Nobody learns what exists who may not read it, and health
 * alone is everybody's. What cannot be vouched for is 503 and what is not there is 404; an autoscaler
 * takes both for a metric that is missing and leaves its target alone.
 */
import { KubeFailure } from '../../machinery/kube-failure.ts';
import type { Callers, Peer } from '../access/callers.ts';
import type { Headers } from '../access/front-proxy.ts';
import type { Reviews } from '../access/reviews.ts';
import type { User } from '../access/user.ts';
import type { Found, ScalingValue, ScalingValues } from '../scaling-values.ts';
import { discover } from './discovery.ts';
import { ok, refused, type Reply } from './reply.ts';
import { actionOf, group, metricName, routeOf, version, type Route } from './route.ts';
import { kindLabel, nameLabel, selectedBy } from './selector.ts';

export interface ApiRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly peer: Peer;
}

export interface MetricsApiOptions {
  readonly callers: Pick<Callers, 'callerOf'>;
  readonly reviews: Pick<Reviews, 'isAllowed'>;
  readonly values: Pick<ScalingValues, 'byKind' | 'byPlural'>;
  /** Why nothing should be sent here now, if so. */
  readonly notReady: () => string | undefined;
  readonly onFailure: (failure: unknown) => void;
}

export interface Answered {
  readonly route: Route['type'];
  readonly reply: Reply;
}

type Guarded = Exclude<Route, { readonly type: 'health' }>;

export class MetricsApi {
  readonly #options: MetricsApiOptions;

  constructor(options: MetricsApiOptions) {
    this.#options = options;
  }

  /** Never rejects. */
  async answer(request: ApiRequest): Promise<Answered> {
    const route = routeOf(request.url);
    try {
      return { route: route.type, reply: await this.#reply(route, request) };
    } catch (failure) {
      this.#options.onFailure(failure);
      const isAway = failure instanceof KubeFailure;
      const reply = isAway
        ? refused(503, 'The API server could not be asked who this is and what they may do.')
        : refused(500, 'Internal error; the log of the metrics API has it.');
      return { route: route.type, reply };
    }
  }

  async #reply(route: Route, request: ApiRequest): Promise<Reply> {
    if (request.method !== 'GET') return refused(405, 'Everything here can only be read.');
    if (route.type === 'health') return this.#health(request.url);
    const user = await this.#options.callers.callerOf(request.headers, request.peer);
    if (user === undefined) return refused(401, 'Unauthorized');
    const action = actionOf(route);
    if (!(await this.#options.reviews.isAllowed(user, action))) return forbidden(user, route);
    return this.#content(route, request.headers);
  }

  #health(url: string): Reply {
    // Live is whoever answers.
    const reason = url.startsWith('/livez') ? undefined : this.#options.notReady();
    return reason === undefined ? ok({ status: 'ok' }) : refused(503, reason);
  }

  #content(route: Guarded, headers: Headers): Reply {
    switch (route.type) {
      case 'metric':
        return this.#metric(route);
      case 'scaling':
        return this.#scaling(route);
      case 'discovery':
        return discover(route.path, headers['accept']?.join(',') ?? '');
      case 'unknown':
        return refused(404, 'There is nothing at this address.');
    }
  }

  #metric({ namespace, metric, selector }: Extract<Route, { readonly type: 'metric' }>): Reply {
    if (metric !== metricName) {
      return refused(404, `There is no metric of this name; the only one is ${metricName}.`);
    }
    const selected = selectedBy(selector);
    if (!selected.ok) return refused(400, selected.reason);
    const found = this.#options.values.byKind(selected.kind, namespace, selected.name);
    return found.found === 'value' ? ok(valueList(found.value)) : absent(found);
  }

  #scaling(route: Extract<Route, { readonly type: 'scaling' }>): Reply {
    const { plural, namespace, name } = route;
    const found = this.#options.values.byPlural(plural, namespace, name);
    if (found.found !== 'value') return absent(found);
    const { milli, at } = found.value;
    return ok({ needed: milli / 1_000, at });
  }
}

function forbidden({ username }: User, route: Guarded): Reply {
  const what =
    route.type === 'metric' || route.type === 'scaling'
      ? `read external metrics in namespace ${JSON.stringify(route.namespace)}`
      : 'read this address';
  return refused(403, `User ${JSON.stringify(username)} may not ${what}.`);
}

function absent(found: Exclude<Found, { readonly found: 'value' }>): Reply {
  if (found.found === 'outdated') return refused(503, `There is no current value: ${found.why}.`);
  return refused(404, 'No resource of this kind and name has a value in status.scaling.');
}

function valueList({ kind, name, milli, at }: ScalingValue): object {
  return {
    kind: 'ExternalMetricValueList',
    apiVersion: `${group}/${version}`,
    metadata: {},
    items: [
      {
        metricName,
        metricLabels: { [kindLabel]: kind, [nameLabel]: name },
        timestamp: at,
        value: `${milli}m`,
      },
    ],
  };
}
