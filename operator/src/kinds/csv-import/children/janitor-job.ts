/**
 * The janitor: it runs once, when an import was deleted with its data and nothing else runs any more.
 *
 * Its pod is made when it is needed, by the image of this operator, which reads the configuration of
 * older ones: those of the other roles are kept as they were begun, and need not know a janitor. It
 * mounts no source: a claim that is gone must not hold the deletion.
 */
import type { CsvImportSpec } from '@millrace/crds/csv-import';
import type { KubeObject } from '../../../machinery/kube-api.ts';
import { janitorJob as janitorJobOf } from '../../../machinery/workload/janitor.ts';
import { secretName, type Owner } from '../../../machinery/workload/names.ts';
import { podTemplate } from '../../../machinery/workload/pod-template.ts';
import { lastNames } from '../names.ts';
import type { Rendering } from '../rendering.ts';

export interface JanitorOptions {
  readonly spec: CsvImportSpec;
  readonly rendering: Pick<Rendering, 'digest'>;
  /** Of this operator. */
  readonly image: string;
}

export function janitorJob(owner: Owner, { spec, rendering, image }: JanitorOptions): KubeObject {
  const { digest } = rendering;
  const template = podTemplate({
    names: lastNames,
    owner,
    role: 'janitor',
    image,
    configHash: digest,
    secretName: secretName(spec),
    isOnce: true,
    isServing: false,
  });
  return janitorJobOf(lastNames, owner, { template, rendering: digest, policy: 'Purge' });
}
