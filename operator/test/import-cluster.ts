/**
 * A small cluster for tests of CsvImport: the world of `import-world.ts` with an operator in it, and
 * every verb followed by the time that the operator needs to react.
 */
import type { Condition } from '@millrace/crds/conditions';
import { createLog } from '@millrace/kit/log';
import { createMetrics } from '@millrace/kit/metrics';
import type { KubeApi } from '../src/machinery/kube-api.ts';
import type { ApiCall } from '../src/memory/faults.ts';
import type { WatchFault } from '../src/memory/watch-hub.ts';
import { startOperator, type Operator, type OperatorOptions } from '../src/operator.ts';
import { kedaEndpoint } from './api-services.ts';
import { ImportWorld, type GivenOptions } from './import-world.ts';
import { turns } from './manual-clock.ts';

export { namespace, noTotals, report, users, usersSpec } from './import-world.ts';

export interface ClusterOptions extends GivenOptions {
  /** Resources are stored that the rules of today would refuse, as if they were older than the rules. */
  readonly isLenient?: boolean;
}

export class ImportCluster extends ImportWorld implements AsyncDisposable {
  readonly calls: ApiCall[];
  /** Told before each call; may change the world first. */
  beforeCall: (call: ApiCall) => Promise<void> = () => Promise.resolve();
  /** What becomes of each event of a watch. */
  onEvent: WatchFault = (event) => [event];
  #operator: Operator | undefined;

  constructor({ isLenient = false }: ClusterOptions = {}) {
    const calls: ApiCall[] = [];
    super({
      isLenient,
      faults: {
        before: (call) => this.beforeCall(call),
        after: (call) => {
          calls.push(call);
        },
        watch: (event) => this.onEvent(event),
      },
    });
    this.calls = calls;
  }

  /** The usual beginning: claim, Secret and resource exist, the operator has settled. */
  static async create(options: ClusterOptions = {}): Promise<ImportCluster> {
    const cluster = new ImportCluster(options);
    await cluster.given(options);
    await cluster.startOperator();
    await cluster.settle();
    return cluster;
  }

  async startOperator(
    api: KubeApi = this.api,
    change: Partial<Pick<OperatorOptions, 'kinds' | 'lead' | 'log' | 'metrics'>> = {},
  ): Promise<void> {
    this.#operator = await startOperator({
      api,
      clock: this.clock,
      log: createLog({ level: 'silent', bindings: {} }),
      metrics: createMetrics({}),
      config: { runtimeImage: 'millrace-runtimes:test', namespaces: [], keda: kedaEndpoint },
      ...change,
      podAddress: this.podAddress,
      fetch: async () => {
        await turns(1);
        return this.progress === undefined
          ? new Response('{}', { status: 503 })
          : Response.json(this.progress);
      },
    });
  }

  async stopOperator(): Promise<void> {
    await this.#operator?.stop();
    this.#operator = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopOperator();
  }

  /** Until nothing more happens without time passing, apart from the moments that a watch needs. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 3; quiet++) {
      const before = this.calls.length;
      await this.#operator?.idle();
      await this.clock.advance(60);
      await turns(3);
      if (this.calls.length !== before) quiet = -1;
    }
  }

  async condition(type: string): Promise<Condition | undefined> {
    return (await this.status())?.conditions?.find((held) => held.type === type);
  }

  override async changeSpec(change: object): Promise<void> {
    await super.changeSpec(change);
    await this.settle();
  }

  override async runCoordinator(): Promise<string> {
    const name = await super.runCoordinator();
    await this.settle();
    return name;
  }

  override async endCoordinator(...end: Parameters<ImportWorld['endCoordinator']>): Promise<void> {
    await super.endCoordinator(...end);
    await this.settle();
  }

  override async rollOut(name: string): Promise<void> {
    await super.rollOut(name);
    await this.settle();
  }
}
