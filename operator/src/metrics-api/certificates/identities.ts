/**
 * The identity of this server through time: looks at the Secret when it changes, when the clock says
 * that something is due, and after a failure. keeper.ts says what is done then.
 */
import type { Clock } from '@millrace/kit/clock';
import type { KubeApi, KubeObject, ObjectRef } from '../../machinery/kube-api.ts';
import { problemOf } from '../problem.ts';
import { Recheck } from '../recheck.ts';
import type { MetricsApiTelemetry } from '../telemetry.ts';
import { watchOne } from '../watch-one.ts';
import { certificateOf } from './bundle.ts';
import { CertificateKeeper, secretType, type Identity } from './keeper.ts';

export interface IdentitiesOptions {
  readonly api: Pick<KubeApi, 'get' | 'list' | 'watch' | 'create' | 'patch'>;
  readonly clock: Clock;
  readonly secret: ObjectRef;
  readonly names: readonly string[];
  readonly telemetry: MetricsApiTelemetry;
  readonly onIdentity: () => void;
}

export class Identities {
  readonly #options: IdentitiesOptions;
  readonly #keeper: CertificateKeeper;
  readonly #recheck: Recheck;
  #problem: string | undefined = 'There is no certificate yet.';

  constructor(options: IdentitiesOptions) {
    const { api, clock, secret, names } = options;
    this.#options = options;
    const onIdentity = (identity: Identity): void => this.#use(identity);
    this.#keeper = new CertificateKeeper({ api, clock, secret, names, onIdentity });
    this.#recheck = new Recheck({
      clock,
      pass: async () => {
        const restMs = await this.#keeper.pass();
        this.#problem = undefined;
        return restMs;
      },
      onFailure: (failure) => {
        this.#problem = problemOf(failure);
        options.telemetry.certificatesFailed(failure);
      },
    });
  }

  /** Undefined until there is one. */
  get current(): Identity | undefined {
    return this.#keeper.identity;
  }

  /** Why the last look failed; what is served is served on. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Runs until the signal aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { api, clock, secret, telemetry } = this.#options;
    const watch = {
      api,
      clock,
      type: secretType,
      ref: secret,
      events: telemetry,
      // Only that it has changed is of interest: the keeper reads what it is going to write.
      trim: onlyMetadata,
      onChange: () => this.#recheck.wake(),
    };
    // Not only when the watch says so: reading the Secret is another right than watching it.
    this.#recheck.wake();
    await Promise.all([watchOne(watch, signal), this.#recheck.run(signal)]);
  }

  #use({ served }: Identity): void {
    const until = certificateOf(served.certificate)?.validToDate;
    if (until !== undefined) this.#options.telemetry.certificateServed({ until });
    this.#options.onIdentity();
  }
}

function onlyMetadata({ apiVersion, kind, metadata }: KubeObject): KubeObject {
  return { apiVersion, kind, metadata };
}
