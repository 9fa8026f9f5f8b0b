/** What every measurement of this bench is handed, and what it gives back. */
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

/** One line of the report. `met` is undefined where the issue asks for a figure and sets no bar. */
export interface Result {
  readonly what: string;
  readonly measured: string;
  readonly bar: string;
  readonly met: boolean | undefined;
}

export function verdict(result: Result): string {
  if (result.met === undefined) return 'shown';
  return result.met ? 'met' : 'missed';
}
