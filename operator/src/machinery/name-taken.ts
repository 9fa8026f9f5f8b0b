/** A child cannot be made, because its name belongs to an object that is not ours. */
import { Permanent } from '@millrace/kit/permanent';
import type { KubeObject } from './kube-api.ts';

export class NameTaken extends Permanent {
  /** What has the name, as Kind/name. */
  readonly object: string;

  constructor(holder: KubeObject, message: string) {
    super('NameTaken', message);
    this.object = `${holder.kind}/${holder.metadata.name}`;
  }
}
