/**
 * The port over HTTP: the verbs of `KubeApi` as requests to a real API server, on raw JSON.
 *
 * Unknown fields are refused by the server (`fieldValidation=Strict`) rather than dropped. What an
 * object's `metadata.uid` and `metadata.resourceVersion` mean in an apply or a patch is the server's
 * own doing: they are preconditions there. Objects that come back are parsed for this caller alone.
 */
import type { Clock } from '@millrace/kit/clock';
import type {
  ApplyOptions,
  KubeApi,
  KubeObject,
  ListOptions,
  ObjectList,
  ObjectRef,
  Preconditions,
  ResourceType,
  WatchEvent,
  WatchOptions,
} from '../machinery/kube-api.ts';
import type { Connection } from './connection.ts';
import { garbage } from './http-failure.ts';
import { defaultLimits, type TransportLimits } from './limits.ts';
import { listObjects } from './list.ts';
import { collectionPath, objectPath, withQuery } from './paths.ts';
import { describeCall, Transport, type ApiCallEvents, type Call } from './transport.ts';
import { watchObjects } from './watch.ts';

export interface HttpApiOptions {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly events?: ApiCallEvents;
  readonly limits?: Partial<TransportLimits>;
  /** In [0, 1); spreads the ends of watches. */
  readonly random?: () => number;
}

export interface HttpKubeApi extends KubeApi {
  /** Ends every call and watch; whatever is called afterwards fails. */
  close(): Promise<void>;
}

export function createHttpApi(options: HttpApiOptions): HttpKubeApi {
  const limits = { ...defaultLimits, ...options.limits };
  const { connection, clock, events } = options;
  const transport = new Transport({ connection, clock, events, limits });
  return new HttpApi(transport, limits, options.random ?? Math.random);
}

const strict = { fieldValidation: 'Strict' };
const mergePatch = 'application/merge-patch+json';
/** YAML is what the type is called; JSON is YAML. */
const applyPatch = 'application/apply-patch+yaml';

class HttpApi implements HttpKubeApi {
  readonly #transport: Transport;
  readonly #limits: TransportLimits;
  readonly #random: () => number;

  constructor(transport: Transport, limits: TransportLimits, random: () => number) {
    this.#transport = transport;
    this.#limits = limits;
    this.#random = random;
  }

  async get(type: ResourceType, ref: ObjectRef): Promise<KubeObject | undefined> {
    const call = {
      verb: 'get',
      plural: type.plural,
      method: 'GET',
      path: objectPath(type, ref),
      mayBeAbsent: true,
    } as const;
    const answer = await this.#transport.request(call);
    return answer === undefined ? undefined : objectOf(answer, call);
  }

  async list(type: ResourceType, options: ListOptions = {}): Promise<ObjectList> {
    const settings = { transport: this.#transport, limits: this.#limits };
    return await listObjects(type, options, settings);
  }

  watch(type: ResourceType, options: WatchOptions): AsyncIterable<WatchEvent> {
    const settings = { transport: this.#transport, limits: this.#limits, random: this.#random };
    return watchObjects(type, options, settings);
  }

  async create(type: ResourceType, object: KubeObject): Promise<KubeObject> {
    const path = withQuery(collectionPath(type, object.metadata.namespace), strict);
    return await this.#object({
      verb: 'create',
      plural: type.plural,
      method: 'POST',
      path,
      body: object,
    });
  }

  async apply(type: ResourceType, object: KubeObject, options: ApplyOptions): Promise<KubeObject> {
    const path = objectPath(type, object.metadata);
    return await this.#apply({ verb: 'apply', plural: type.plural, path, body: object }, options);
  }

  async applyStatus(
    type: ResourceType,
    object: KubeObject,
    options: ApplyOptions,
  ): Promise<KubeObject> {
    const path = objectPath(type, object.metadata, 'status');
    const call = { verb: 'applyStatus', plural: type.plural, path, body: object };
    return await this.#apply(call, options);
  }

  async scale(
    type: ResourceType,
    ref: ObjectRef,
    options: ApplyOptions & { readonly replicas: number },
  ): Promise<void> {
    const path = objectPath(type, ref, 'scale');
    const body = {
      apiVersion: 'autoscaling/v1',
      kind: 'Scale',
      metadata: { name: ref.name, namespace: ref.namespace },
      spec: { replicas: options.replicas },
    };
    await this.#apply({ verb: 'scale', plural: type.plural, path, body }, options);
  }

  async patch(type: ResourceType, ref: ObjectRef, patch: object): Promise<KubeObject> {
    return await this.#object({
      verb: 'patch',
      plural: type.plural,
      method: 'PATCH',
      path: withQuery(objectPath(type, ref), strict),
      body: patch,
      contentType: mergePatch,
    });
  }

  /** The children go after their owner, by the garbage collector: nobody waits for them here. */
  async delete(
    type: ResourceType,
    ref: ObjectRef,
    preconditions: Preconditions = {},
  ): Promise<boolean> {
    const hasConditions = Object.keys(preconditions).length > 0;
    const body = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      propagationPolicy: 'Background',
      ...(hasConditions ? { preconditions } : {}),
    };
    const answer = await this.#transport.request({
      verb: 'delete',
      plural: type.plural,
      method: 'DELETE',
      path: objectPath(type, ref),
      body,
      mayBeAbsent: true,
    });
    return answer !== undefined;
  }

  async close(): Promise<void> {
    await this.#transport.close();
  }

  async #apply(
    call: Pick<Call, 'verb' | 'plural' | 'path'> & { readonly body: object },
    { fieldManager, force, dryRun }: ApplyOptions,
  ): Promise<KubeObject> {
    const query = {
      fieldManager,
      force: force === true ? true : undefined,
      dryRun: dryRun === true ? 'All' : undefined,
      ...strict,
    };
    return await this.#object({
      ...call,
      method: 'PATCH',
      path: withQuery(call.path, query),
      contentType: applyPatch,
    });
  }

  async #object(call: Call): Promise<KubeObject> {
    return objectOf(await this.#transport.request(call), call);
  }
}

/** Deeper the server is trusted: what it stores has passed its own schema. */
function objectOf(answer: unknown, call: Call): KubeObject {
  const object = answer as Partial<KubeObject> | undefined;
  if (typeof object?.kind !== 'string' || typeof object.metadata?.name !== 'string') {
    throw garbage(describeCall(call), 'the answer is not an object of the API');
  }
  return object as KubeObject;
}
