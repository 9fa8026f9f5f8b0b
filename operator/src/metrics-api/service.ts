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
import { KubeFailure } from '../machinery/kube-failure.ts';
import { Callers } from './access/callers.ts';
import {
  authenticationConfig,
  frontProxyTrust,
  type FrontProxyTrust,
} from './access/front-proxy.ts';
import { askApiServer, createReviews } from './access/reviews.ts';
import { apiServiceName, apiServiceType, register, type Registration } from './api-service.ts';
import { MetricsApi } from './api/metrics-api.ts';
import { ApiServer, type Material } from './api/server.ts';
import { certificateOf } from './certificates/bundle.ts';
import { CertificateKeeper, secretType, type Identity } from './certificates/keeper.ts';
import type { Config } from './config.ts';
import { Recheck } from './recheck.ts';
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

export class Service {
  readonly #options: ServiceOptions;
  readonly #values: ScalingValues;
  readonly #telemetry: MetricsApiTelemetry;
  readonly #keeper: CertificateKeeper;
  readonly #certificates: Recheck;
  readonly #registrations: Recheck;
  readonly #namespace: string;
  #server: ApiServer | undefined;
  #trust: FrontProxyTrust | undefined;
  #hasReadTrust = false;
  /** Undefined until it was looked for. */
  #apiService: { readonly held: KubeObject | undefined } | undefined;
  #registration: Registration = { state: 'waiting', why: 'The APIService is not known yet.' };
  #certificateProblem: string | undefined = 'There is no certificate yet.';
  #isListening = false;
  #isDraining = false;

  constructor(options: ServiceOptions) {
    this.#options = options;
    const { api, clock, config, connection, kinds, log, metrics } = options;
    this.#namespace = config.namespace ?? connection.namespace;
    this.#telemetry = createTelemetry({
      log,
      metrics,
      clock,
      staleMs: () => this.#values.staleMs(),
    });
    const { namespaces, service, secret = `${service}-tls` } = config;
    const events = this.#telemetry;
    this.#values = new ScalingValues({ api, kinds, namespaces, clock, events });
    this.#keeper = new CertificateKeeper({
      api,
      clock,
      secret: { namespace: this.#namespace, name: secret },
      names: namesOf(service, this.#namespace),
      onIdentity: (identity) => this.#use(identity),
    });
    this.#certificates = new Recheck({
      clock,
      pass: async () => await this.#keepCertificates(),
      onFailure: (failure) => this.#certificatesFailed(failure),
    });
    this.#registrations = new Recheck({
      clock,
      pass: async () => await this.#register(),
      onFailure: (failure) => {
        this.#registration = { state: 'waiting', why: problemOf(failure) };
        this.#telemetry.registrationFailed(failure);
      },
    });
  }

  readiness(): Readiness {
    const reason = this.#notReady();
    const { state } = this.#registration;
    const why = 'why' in this.#registration ? this.#registration.why : '';
    const values = this.#values.problems().join('; ');
    const untrusted = this.#trust === undefined ? 'No front proxy is trusted.' : '';
    return {
      ready: reason === undefined,
      role: 'metrics-api',
      ...(reason === undefined ? {} : { reason }),
      dependencies: {
        values: dependency(values),
        certificate: dependency(this.#certificateProblem ?? ''),
        frontProxy: dependency(untrusted),
        apiService: dependency(state === 'registered' ? '' : why),
      },
    };
  }

  /** Runs until told to stop, then drains. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, config, connection, events } = this.#options;
    const asker = askApiServer({ connection, clock, events });
    const reviews = createReviews(asker.ask, clock);
    const handler = new MetricsApi({
      callers: new Callers({ trust: () => this.#trust, reviews }),
      reviews,
      values: this.#values,
      notReady: () => this.#notReady(),
      onFailure: (failure) => this.#telemetry.requestFailed(failure),
    });
    const ending = new AbortController();
    const background = this.#watch(ending.signal);
    const isServing = await this.#serve(handler, signal);
    if (isServing) await aborted(signal);
    this.#isDraining = true;
    if (isServing) await clock.sleep(config.drainDelayMs);
    // The rest of the grace ends the process by itself; this is for connections that never end.
    await this.#server?.close(AbortSignal.timeout(drainMs));
    ending.abort();
    await Promise.all(background);
    await asker.close();
  }

  /** Resolves to false when told to stop before there was anything to serve. */
  async #serve(handler: MetricsApi, signal: AbortSignal): Promise<boolean> {
    const { config, log } = this.#options;
    const material = await this.#firstMaterial(signal);
    if (material === undefined) return false;
    const server = new ApiServer(
      {
        ...config.listen,
        answer: async (request) => await handler.answer(request),
        onAnswered: (event) => this.#telemetry.answered(event),
      },
      material,
    );
    const { host } = config.listen;
    const port = await listen(server, config.listen);
    this.#server = server;
    // What has changed since it was made.
    server.use(this.#material() ?? material);
    this.#isListening = true;
    log.info({ host, port }, 'serving external metrics');
    this.#registrations.wake();
    return true;
  }

  #ready: (() => void) | undefined;

  async #firstMaterial(signal: AbortSignal): Promise<Material | undefined> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#ready = resolve;
    if (this.#material() === undefined) await Promise.race([promise, aborted(signal)]);
    return signal.aborted ? undefined : this.#material();
  }

  #watch(signal: AbortSignal): readonly Promise<void>[] {
    const { api, clock, config } = this.#options;
    const events = this.#telemetry;
    const { service, secret = `${service}-tls` } = config;
    const one = { api, clock, events };
    return [
      this.#values.run(signal),
      this.#certificates.run(signal),
      this.#registrations.run(signal),
      watchOne(
        {
          ...one,
          type: secretType,
          ref: { namespace: this.#namespace, name: secret },
          // Only that it has changed is of interest here: the keeper reads it itself.
          trim: ({ apiVersion, kind, metadata }) => ({ apiVersion, kind, metadata }),
          onChange: () => this.#certificates.wake(),
        },
        signal,
      ),
      watchOne(
        {
          ...one,
          type: authenticationConfig.type,
          ref: authenticationConfig,
          onChange: (config_) => this.#trustAs(config_),
        },
        signal,
      ),
      watchOne(
        {
          ...one,
          type: apiServiceType,
          ref: { namespace: '', name: apiServiceName },
          onChange: (held) => {
            this.#apiService = { held };
            this.#registrations.wake();
          },
        },
        signal,
      ),
    ];
  }

  async #keepCertificates(): Promise<number> {
    const ms = await this.#keeper.pass();
    this.#certificateProblem = undefined;
    return ms;
  }

  #certificatesFailed(failure: unknown): void {
    this.#certificateProblem = problemOf(failure);
    this.#telemetry.certificatesFailed(failure);
  }

  #use(identity: Identity): void {
    const until = certificateOf(identity.served.certificate)?.validToDate;
    if (until !== undefined) this.#telemetry.certificateServed({ until });
    this.#apply();
    this.#registrations.wake();
  }

  #trustAs(config: KubeObject | undefined): void {
    this.#trust = frontProxyTrust(config);
    this.#hasReadTrust = true;
    this.#telemetry.trustChanged({ isTrusted: this.#trust !== undefined });
    this.#apply();
  }

  /** Gives the server what has changed, and starts it when it has waited for that. */
  #apply(): void {
    const material = this.#material();
    if (material === undefined) return;
    this.#server?.use(material);
    this.#ready?.();
  }

  #material(): Material | undefined {
    const identity = this.#keeper.identity;
    if (identity === undefined) return undefined;
    return { served: identity.served, clientAuthorities: this.#trust?.authorities };
  }

  async #register(): Promise<number> {
    const identity = this.#keeper.identity;
    if (!this.#isListening || identity === undefined || this.#apiService === undefined) {
      return Number.POSITIVE_INFINITY;
    }
    const { service: name, servicePort: port } = this.#options.config;
    const service = { namespace: this.#namespace, name, port };
    const { api } = this.#options;
    const { held } = this.#apiService;
    this.#registration = await register(held, identity.authorities, { api, service });
    this.#telemetry.registered(this.#registration);
    return Number.POSITIVE_INFINITY;
  }

  #notReady(): string | undefined {
    if (this.#isDraining) return 'Told to stop; requests in flight are being finished.';
    if (!this.#isListening) return this.#certificateProblem ?? 'The process has just started.';
    if (!this.#hasReadTrust) {
      return `ConfigMap ${authenticationConfig.namespace}/${authenticationConfig.name} could not be read yet.`;
    }
    return this.#values.problems()[0];
  }
}

/** Answers take milliseconds, and six seconds when the API server is slow. */
const drainMs = 10_000;

/** The second is the one that API servers ask for. */
function namesOf(service: string, namespace: string): readonly string[] {
  const inNamespace = `${service}.${namespace}`;
  return [`${inNamespace}.svc`, `${inNamespace}.svc.cluster.local`, inNamespace, service];
}

async function listen(server: ApiServer, at: Config['listen']): Promise<number> {
  try {
    return await server.listen();
  } catch (error) {
    throw new Permanent(
      'BadConfiguration',
      `HTTPS cannot be served on ${at.host}:${at.port}. Choose another port with --port; 0 takes a free one.`,
      { cause: error },
    );
  }
}

function problemOf(failure: unknown): string {
  const isOurs = failure instanceof KubeFailure || failure instanceof Permanent;
  return isOurs ? failure.message : 'A failure of our own; the log has it.';
}

function dependency(reason: string): { readonly ok: boolean; readonly reason?: string } {
  return reason === '' ? { ok: true } : { ok: false, reason };
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}
