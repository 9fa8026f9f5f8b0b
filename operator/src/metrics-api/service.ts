/**
 * Composes the parts of the metrics API and owns their life: what is watched, what is kept, and what
 * is served from it.
 *
 * Ready is a replica that can answer an autoscaler: it has a certificate, knows whom the front proxy's
 * authority is, and vouches for the values of every kind. That the APIService is somebody else's is
 * told and changes nothing: the JSON for other autoscalers is served all the same.
 */
import type { Kind } from '@millrace/crds/define-kind';
import type { Clock } from '@millrace/kit/clock';
import type { Readiness } from '@millrace/kit/health';
import type { Log } from '@millrace/kit/log';
import type { Metrics } from '@millrace/kit/metrics';
import { Permanent } from '@millrace/kit/permanent';
import type { Connection } from '../kube/connection.ts';
import type { ApiCallEvents } from '../kube/transport.ts';
import type { KubeApi, KubeObject } from '../machinery/kube-api.ts';
import { Callers } from './access/callers.ts';
import {
  authenticationConfig,
  frontProxyTrust,
  type FrontProxyTrust,
} from './access/front-proxy.ts';
import { askApiServer, createReviews } from './access/reviews.ts';
import { MetricsApi } from './api/metrics-api.ts';
import { ApiServer, type Material } from './api/server.ts';
import { Identities } from './certificates/identities.ts';
import type { Config } from './config.ts';
import { Registrar } from './registrar.ts';
import { ScalingValues } from './scaling-values.ts';
import { createTelemetry, type MetricsApiTelemetry } from './telemetry.ts';
import { watchOne } from './watch-one.ts';

export interface ServiceOptions {
  readonly config: Config;
  readonly connection: Connection;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly api: KubeApi;
  readonly events: ApiCallEvents;
  readonly kinds: readonly Pick<Kind, 'apiVersion' | 'kind' | 'plural'>[];
}

/** Answers take milliseconds, and six seconds when the API server is slow. */
const drainMs = 10_000;

export class Service {
  readonly #options: ServiceOptions;
  readonly #values: ScalingValues;
  readonly #telemetry: MetricsApiTelemetry;
  readonly #identities: Identities;
  readonly #registrar: Registrar;
  /** Resolves when there is something to serve with. */
  readonly #servable = Promise.withResolvers<void>();
  #server: ApiServer | undefined;
  #trust: FrontProxyTrust | undefined;
  #hasReadTrust = false;
  #hasBeenReady = false;
  #isDraining = false;

  constructor(options: ServiceOptions) {
    const { api, clock, config, connection, kinds, log, metrics } = options;
    const { namespaces, service: name, servicePort: port } = config;
    const namespace = config.namespace ?? connection.namespace;
    this.#options = options;
    const staleMs = () => this.#values.staleMs();
    const telemetry = createTelemetry({ log, metrics, clock, staleMs });
    this.#telemetry = telemetry;
    this.#values = new ScalingValues({ api, kinds, namespaces, clock, events: telemetry });
    this.#identities = new Identities({
      api,
      clock,
      secret: { namespace, name: config.secret ?? `${name}-tls` },
      names: namesOf(name, namespace),
      telemetry,
      onIdentity: () => this.#materialChanged(),
    });
    this.#registrar = new Registrar({
      api,
      clock,
      service: { namespace, name, port },
      authorities: () => (this.#wasReady() ? this.#identities.current?.authorities : undefined),
      telemetry,
    });
  }

  readiness(): Readiness {
    const reason = this.#notReady();
    const { registration } = this.#registrar;
    return {
      ready: reason === undefined,
      role: 'metrics-api',
      ...(reason === undefined ? {} : { reason }),
      dependencies: {
        values: dependency(this.#values.problems().join('; ')),
        certificate: dependency(this.#identities.problem ?? ''),
        frontProxy: dependency(this.#trust === undefined ? 'No front proxy is trusted.' : ''),
        apiService: dependency('why' in registration ? registration.why : ''),
      },
    };
  }

  /** Runs until told to stop, then drains. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, config, connection, events } = this.#options;
    const asker = askApiServer({ connection, clock, events });
    const ending = new AbortController();
    const background = this.#watch(ending.signal);
    try {
      await Promise.race([this.#servable.promise, aborted(signal)]);
      const material = this.#material();
      if (!signal.aborted && material !== undefined) {
        const reviews = createReviews(asker.ask, clock);
        await this.#serve(this.#handler(reviews), material);
        await aborted(signal);
      }
      this.#isDraining = true;
      if (this.#server !== undefined) await clock.sleep(config.drainDelayMs);
      await this.#server?.close(AbortSignal.timeout(drainMs));
    } finally {
      ending.abort();
      await Promise.all(background);
      await asker.close();
    }
  }

  #handler(reviews: ReturnType<typeof createReviews>): MetricsApi {
    return new MetricsApi({
      callers: new Callers({ trust: () => this.#trust, reviews }),
      reviews,
      values: this.#values,
      notReady: () => this.#notReady(),
      onFailure: (failure) => this.#telemetry.requestFailed(failure),
    });
  }

  async #serve(handler: MetricsApi, material: Material): Promise<void> {
    const { listen } = this.#options.config;
    const server = new ApiServer(
      {
        ...listen,
        answer: async (request) => await handler.answer(request),
        onAnswered: (event) => this.#telemetry.answered(event),
      },
      material,
    );
    const port = await opened(server, listen);
    this.#server = server;
    this.#options.log.info({ host: listen.host, port }, 'serving external metrics');
    // Also for what has changed while the port was being opened.
    this.#materialChanged();
  }

  #watch(signal: AbortSignal): readonly Promise<void>[] {
    const { api, clock } = this.#options;
    const trust = {
      api,
      clock,
      type: authenticationConfig.type,
      ref: authenticationConfig,
      events: this.#telemetry,
      onChange: (config: KubeObject | undefined) => this.#trustAs(config),
    };
    void this.#values.filled.then(() => this.#registrar.wake());
    return [
      this.#values.run(signal),
      this.#identities.run(signal),
      this.#registrar.run(signal),
      watchOne(trust, signal),
    ];
  }

  #trustAs(config: KubeObject | undefined): void {
    const before = this.#trust?.authorities;
    this.#trust = frontProxyTrust(config);
    if (this.#hasReadTrust && before === this.#trust?.authorities) return;
    this.#hasReadTrust = true;
    this.#telemetry.trustChanged({ isTrusted: this.#trust !== undefined });
    this.#materialChanged();
  }

  #materialChanged(): void {
    const material = this.#material();
    if (material === undefined) return;
    this.#server?.use(material);
    this.#servable.resolve();
    this.#registrar.wake();
  }

  #material(): Material | undefined {
    const served = this.#identities.current?.served;
    return served && { served, clientAuthorities: this.#trust?.authorities };
  }

  /** Once: a replica that is not ready for a while goes on keeping what all of them need. */
  #wasReady(): boolean {
    this.#hasBeenReady ||= this.#notReady() === undefined;
    return this.#hasBeenReady;
  }

  #notReady(): string | undefined {
    if (this.#isDraining) return 'Told to stop; requests in flight are being finished.';
    if (this.#server === undefined) return this.#identities.problem ?? 'HTTPS is being opened.';
    const { namespace, name } = authenticationConfig;
    if (!this.#hasReadTrust) return `ConfigMap ${namespace}/${name} could not be read yet.`;
    return this.#values.problems()[0];
  }
}

/** API servers ask for the first; the others are how people and autoscalers of the cluster write it. */
function namesOf(service: string, namespace: string): readonly string[] {
  const inNamespace = `${service}.${namespace}`;
  return [`${inNamespace}.svc`, `${inNamespace}.svc.cluster.local`, inNamespace, service];
}

async function opened(server: ApiServer, { host, port }: Config['listen']): Promise<number> {
  try {
    return await server.listen();
  } catch (error) {
    throw new Permanent(
      'BadConfiguration',
      `HTTPS cannot be served on ${host}:${port}. Choose another port with --port; 0 takes a free one.`,
      { cause: error },
    );
  }
}

function dependency(reason: string): { readonly ok: boolean; readonly reason?: string } {
  return reason === '' ? { ok: true } : { ok: false, reason };
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}
