/**
 * Watches the one APIService of external metrics and keeps it ours while it may be (api-service.ts
 * says when). Looks again when it changes, and when its bundle of authorities has to.
 */
import type { Clock } from '@millrace/kit/clock';
import type { KubeApi, KubeObject } from '../machinery/kube-api.ts';
import {
  apiServiceName,
  apiServiceType,
  register,
  type Registration,
  type ServiceRef,
} from './api-service.ts';
import { problemOf } from './problem.ts';
import { Recheck } from './recheck.ts';
import type { MetricsApiTelemetry } from './telemetry.ts';
import { watchOne } from './watch-one.ts';

export interface RegistrarOptions {
  readonly api: Pick<KubeApi, 'list' | 'watch' | 'create' | 'patch'>;
  readonly clock: Clock;
  readonly service: ServiceRef;
  /**
   * PEM of what clients have to trust. Undefined until this replica has been ready: an APIService that
   * leads nowhere is an outage of discovery for the whole cluster.
   */
  readonly authorities: () => string | undefined;
  readonly telemetry: MetricsApiTelemetry;
}

export class Registrar {
  readonly #options: RegistrarOptions;
  readonly #recheck: Recheck;
  /** Undefined until it was looked for. */
  #seen: { readonly held: KubeObject | undefined } | undefined;
  #registration: Registration = { state: 'waiting', why: 'The APIService is not known yet.' };

  constructor(options: RegistrarOptions) {
    const { clock, telemetry } = options;
    this.#options = options;
    this.#recheck = new Recheck({
      clock,
      pass: async () => await this.#pass(),
      onFailure: (failure) => {
        this.#registration = { state: 'waiting', why: problemOf(failure) };
        telemetry.registrationFailed(failure);
      },
    });
  }

  get registration(): Registration {
    return this.#registration;
  }

  /** What is served, or with which authority, has changed. */
  wake(): void {
    if (this.#seen !== undefined && this.#options.authorities() !== undefined) this.#recheck.wake();
  }

  /** Runs until the signal aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { api, clock, telemetry } = this.#options;
    const watch = {
      api,
      clock,
      type: apiServiceType,
      ref: { namespace: '', name: apiServiceName },
      events: telemetry,
      onChange: (held: KubeObject | undefined) => {
        this.#seen = { held };
        this.wake();
      },
    };
    await Promise.all([watchOne(watch, signal), this.#recheck.run(signal)]);
  }

  async #pass(): Promise<number> {
    const authorities = this.#options.authorities();
    if (this.#seen !== undefined && authorities !== undefined) {
      this.#registration = await register(this.#seen.held, authorities, this.#options);
      this.#options.telemetry.registered(this.#registration);
    }
    return Number.POSITIVE_INFINITY;
  }
}
