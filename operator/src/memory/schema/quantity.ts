import { quantityBytes } from '@millrace/crds/schema';

/** Kubernetes' CEL type of the same name, as far as sizes in bytes need it. */
export class Quantity {
  readonly bytes: number;

  constructor(text: string) {
    const bytes = quantityBytes(text);
    if (bytes === undefined) throw new Error('this is not a quantity');
    this.bytes = bytes;
  }
}
