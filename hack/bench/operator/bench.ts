/** What every measurement of this bench is handed. */
import type { HttpKubeApi } from '@millrace/operator/kube/http-api';
import type { ControlPlane } from '../../cluster/control-plane.ts';
import type { BenchOptions } from './options.ts';

export interface Bench {
  readonly options: BenchOptions;
  readonly controlPlane: ControlPlane;
  /** The bench's own connection; nothing of the operator's goes through it. */
  readonly api: HttpKubeApi;
  readonly folder: string;
  readonly log: (line: string) => void;
}
