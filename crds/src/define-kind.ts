/** One value describes a kind to everything that iterates kinds: generator, registries, tests. */
import type { TObject } from 'typebox';

export const group = 'millrace.dev';
export const version = 'v1alpha1';
export const apiVersion = `${group}/${version}`;

export interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date' | 'boolean';
  readonly jsonPath: string;
  readonly description: string;
  /** 1 shows the column only with `-o wide`. */
  readonly priority?: number;
}

export interface Kind<Spec extends TObject = TObject, Status extends TObject = TObject> {
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortName: string;
  /** Folder name of the kind in operator, runtimes and migrations. */
  readonly slug: string;
  readonly description: string;
  readonly spec: Spec;
  readonly status: Status;
  readonly printerColumns: readonly PrinterColumn[];
}

export function defineKind<Spec extends TObject, Status extends TObject>(
  kind: Kind<Spec, Status>,
): Kind<Spec, Status> {
  return kind;
}
