/**
 * Keeps the certificates of all replicas in one Secret, and this replica serving from it.
 *
 * Whoever comes first makes the Secret, the others read it: a create that fails because it is there,
 * and a write that fails because somebody was faster, are answered by reading again. A Secret that
 * was deleted is made again from what is served, so that nobody notices. One that was not made by us
 * is never written over: it may be somebody's only copy.
 */
import type { Clock } from '@millrace/kit/clock';
import { Permanent } from '@millrace/kit/permanent';
import type { KubeApi, KubeObject, ObjectRef, ResourceType } from '../../machinery/kube-api.ts';
import { KubeFailure } from '../../machinery/kube-failure.ts';
import { isOurs, ourLabels } from '../ours.ts';
import { bundleOf, dataOf, type Bundle } from './bundle.ts';
import { issue, type Issued } from './issue.ts';
import {
  announced,
  lifeMs,
  nextStep,
  promoted,
  replaced,
  trustedAuthorities,
  untilNextStep,
} from './rotation.ts';

export const secretType: ResourceType = { apiVersion: 'v1', kind: 'Secret', plural: 'secrets' };

export interface Identity {
  readonly served: Issued;
  /** PEM; what clients have to trust. */
  readonly authorities: string;
}

export interface KeeperOptions {
  readonly api: Pick<KubeApi, 'get' | 'create' | 'patch'>;
  readonly clock: Clock;
  readonly secret: ObjectRef;
  /** DNS names that clients use. */
  readonly names: readonly string[];
  /** Told whenever one of its parts has changed, and first of all. */
  readonly onIdentity: (identity: Identity) => void;
  readonly issue?: typeof issue;
}

export class CertificateKeeper {
  readonly #options: KeeperOptions;
  #bundle: Bundle | undefined;
  #identity: Identity | undefined;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** When what is served runs out, in milliseconds since the epoch. */
  get identity(): Identity | undefined {
    return this.#identity;
  }

  /** Looks at the Secret, does what is due, and serves; resolves to the milliseconds until it is due again. */
  async pass(): Promise<number> {
    const bundle = await this.#settled();
    this.#bundle = bundle;
    const now = this.#options.clock.now();
    this.#tell({ served: bundle.current, authorities: trustedAuthorities(bundle, now) });
    return untilNextStep(bundle, now);
  }

  /** Reads and writes until nothing is due; a write that fails means that somebody else's came first. */
  async #settled(): Promise<Bundle> {
    const triesMax = 5;
    for (let tries = 1; tries <= triesMax; tries++) {
      const bundle = await this.#look();
      if (bundle !== undefined) return bundle;
    }
    throw new KubeFailure('Conflict', `Secret ${this.#options.secret.name} keeps changing`);
  }

  /** Undefined when a look again is needed. */
  async #look(): Promise<Bundle | undefined> {
    const { api, secret } = this.#options;
    const held = await api.get(secretType, secret);
    try {
      if (held === undefined) {
        const bundle = this.#bundle ?? replaced(undefined, await this.#issue());
        await api.create(secretType, this.#secret(bundle));
        return bundle;
      }
      const bundle = this.#readable(held);
      const due = await this.#due(bundle);
      if (due === undefined) return bundle;
      const { resourceVersion } = held.metadata;
      const metadata = { resourceVersion };
      await api.patch(secretType, secret, { metadata, data: dataOf(due) });
      return undefined;
    } catch (error) {
      if (error instanceof KubeFailure && wasFirst.has(error.reason)) return undefined;
      throw error;
    }
  }

  #readable(held: KubeObject): Bundle | undefined {
    const bundle = bundleOf(held);
    if (bundle !== undefined || isOurs(held)) return bundle;
    const { namespace, name } = this.#options.secret;
    throw new Permanent(
      'SecretTaken',
      `Secret ${namespace}/${name} is not ours and has no certificate in it. Remove it, or choose another with --secret.`,
    );
  }

  /** The bundle to be written, or undefined when nothing is due. */
  async #due(bundle: Bundle | undefined): Promise<Bundle | undefined> {
    const { clock, names } = this.#options;
    if (bundle === undefined) return replaced(this.#bundle, await this.#issue());
    const now = clock.now();
    switch (nextStep(bundle, { now, names })) {
      case 'keep':
        return undefined;
      case 'promote':
        return promoted(bundle);
      case 'announce':
        return announced(bundle, await this.#issue(), now);
      case 'replace':
        return replaced(bundle, await this.#issue());
    }
  }

  async #issue(): Promise<Issued> {
    const { clock, names } = this.#options;
    return await (this.#options.issue ?? issue)({ names, now: clock.now(), lifeMs });
  }

  #secret(bundle: Bundle): KubeObject {
    const data = Object.entries(dataOf(bundle)).filter(([, value]) => value !== null);
    return {
      apiVersion: secretType.apiVersion,
      kind: secretType.kind,
      type: 'Opaque',
      metadata: { ...this.#options.secret, labels: ourLabels },
      data: Object.fromEntries(data),
    };
  }

  #tell(identity: Identity): void {
    const held = this.#identity;
    const isSame =
      held?.served.certificate === identity.served.certificate &&
      held.authorities === identity.authorities;
    if (isSame) return;
    this.#identity = identity;
    this.#options.onIdentity(identity);
  }
}

const wasFirst: ReadonlySet<string> = new Set(['AlreadyExists', 'Conflict', 'NotFound']);
