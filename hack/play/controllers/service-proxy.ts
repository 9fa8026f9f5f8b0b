/** Gives each Service port a local address and keeps its endpoints in step with the ready pods. */
import type { KubeApi } from '@millrace/operator/machinery/kube-api';
import { startControlLoop, type ControlLoop } from './control-loop.ts';
import { endpointsOf, type Service } from './service.ts';
import { TcpBalancer } from './tcp-balancer.ts';
import { asPod, podType, serviceType, type Pod } from './workload.ts';

export interface ServedPort {
  readonly namespace: string;
  readonly service: string;
  readonly port: number;
  readonly url: string;
  readonly endpointCount: number;
}

export interface ServiceProxyOptions {
  readonly api: KubeApi;
  readonly signal: AbortSignal;
  /** The local port a Service port had in the last run, if any. */
  preferredPort(key: string): number | undefined;
  onError(error: unknown): void;
}

const host = '127.0.0.1';

export class ServiceProxy {
  readonly #options: ServiceProxyOptions;
  readonly #balancers = new Map<string, TcpBalancer>();
  #served: readonly ServedPort[] = [];
  readonly #loop: ControlLoop;

  constructor(options: ServiceProxyOptions) {
    this.#options = options;
    this.#loop = startControlLoop({
      api: options.api,
      watched: [serviceType, podType],
      signal: options.signal,
      onError: (error) => options.onError(error),
      reconcile: async () => this.#sync(),
    });
  }

  get served(): readonly ServedPort[] {
    return this.#served;
  }

  /** Local ports by key, for the next run. */
  get ports(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#balancers].map(([key, { port }]) => [key, port]));
  }

  /** Call after the signal has aborted. */
  async close(graceMs: number): Promise<void> {
    await this.#loop.ended;
    await Promise.all([...this.#balancers.values()].map(async (one) => one.close(graceMs)));
  }

  async #sync(): Promise<undefined> {
    const { api } = this.#options;
    const services = (await api.list(serviceType)).items as readonly Service[];
    const pods = (await api.list(podType)).items.map(asPod);
    const served: ServedPort[] = [];
    for (const service of services) served.push(...(await this.#syncService(service, pods)));
    const wanted = new Set(served.map((port) => keyOf(port)));
    for (const [key, balancer] of this.#balancers) {
      if (wanted.has(key)) continue;
      this.#balancers.delete(key);
      void balancer.close(0);
    }
    this.#served = served;
    return undefined;
  }

  async #syncService(service: Service, pods: readonly Pod[]): Promise<readonly ServedPort[]> {
    const { namespace, name } = service.metadata;
    const served: ServedPort[] = [];
    for (const servicePort of service.spec.ports ?? []) {
      const { port } = servicePort;
      const key = keyOf({ namespace, service: name, port });
      const balancer =
        this.#balancers.get(key) ??
        (await TcpBalancer.listen(host, this.#options.preferredPort(key)));
      this.#balancers.set(key, balancer);
      const endpoints = endpointsOf(service, servicePort, pods);
      balancer.setEndpoints(endpoints);
      const url = `http://${host}:${String(balancer.port)}`;
      served.push({ namespace, service: name, port, url, endpointCount: endpoints.length });
    }
    return served;
  }
}

function keyOf(port: Pick<ServedPort, 'namespace' | 'service' | 'port'>): string {
  return `${port.namespace}/${port.service}:${String(port.port)}`;
}
