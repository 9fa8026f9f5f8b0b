/**
 * One value describes a kind to everything that iterates kinds: generator, registries, tests.
 *
 * It is a `ResourceType` of the operator's port as well (apiVersion, kind, plural), so that generic
 * code can read and write resources of a kind that it does not know.
 */
import type { TObject } from 'typebox';
import type { PrinterColumn } from './printer-columns.ts';

export const group = 'millrace.dev';
export const version = 'v1alpha1';
export const apiVersion = `${group}/${version}`;

/** Where the scale subresource finds its numbers, from the root of the object. */
export interface ScalePaths {
  readonly specReplicasPath: string;
  readonly statusReplicasPath: string;
  /** A selector as text, which an autoscaler needs to find the pods. */
  readonly labelSelectorPath: string;
}

export interface KindDefinition<Spec extends TObject = TObject, Status extends TObject = TObject> {
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
  /** Fields that refer to something else: a server lists by them (`--field-selector`). */
  readonly selectableFields: readonly string[];
  /**
   * Only where the resource itself has one number of replicas that somebody may set. A kind whose
   * workers follow the work within bounds has none: whoever scales, scales their Deployment.
   */
  readonly scale?: ScalePaths;
}

export interface Kind<
  Spec extends TObject = TObject,
  Status extends TObject = TObject,
> extends KindDefinition<Spec, Status> {
  readonly apiVersion: string;
}

export function defineKind<Spec extends TObject, Status extends TObject>(
  definition: KindDefinition<Spec, Status>,
): Kind<Spec, Status> {
  return { apiVersion, ...definition };
}
