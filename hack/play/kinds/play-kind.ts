/**
 * What play has to know of a kind beyond its schema: which backends it needs, when it has come to
 * what was wanted, and how people are shown it. One file a kind answers, with the same names; the
 * rest of play asks through here and knows none.
 */
import type { KubeObject } from '@millrace/operator/machinery/kube-api';
import type { BackendName } from '../../backends/backend.ts';
import type { End } from '../outcome.ts';

/** Perhaps not judged by the schema yet, so nothing in it is taken for granted. */
export type Spec = Readonly<Record<string, unknown>>;

export interface Specs {
  readonly before: Spec;
  readonly after: Spec;
}

export interface ResourceView {
  readonly name: string;
  /** One word: Starting, Loading, Complete, or why it is not going on. */
  readonly state: string;
  readonly message: string;
  /** How far it is; absent for what has no end. */
  readonly percent?: number;
  /** Such as `1,234 rows`, in the order in which they are read. */
  readonly figures: readonly string[];
  readonly backendsDown: readonly string[];
  /** Whether no figure will move any more. */
  readonly isOver: boolean;
}

export interface ClaimUse {
  readonly name: string;
  /** Where the manifest names it. */
  readonly field: string;
}

export interface PlayKind {
  /** Else it serves until it is ended, which lets it commit first what it has taken. */
  readonly runsToAnEnd: boolean;
  /** Fields of the spec that make it what it is, as the rules of its schema say. */
  readonly fixed: readonly string[];
  readonly backends: (spec: Spec) => readonly BackendName[];
  /** The claim that a folder of this host must stand for. */
  readonly claim: (spec: Spec) => ClaimUse | undefined;
  /** How it came out; of a kind without an end, that it serves. Undefined while neither is so. */
  readonly end: (object: KubeObject) => End | undefined;
  /** Whether what has ended so goes on with the new spec, instead of being run again. */
  readonly goesOn: (end: End, specs: Specs) => boolean;
  readonly view: (object: KubeObject) => ResourceView;
  /** How it stands, with the sum that must hold; `seconds` since the run began. */
  readonly summary: (object: KubeObject, seconds: number) => readonly string[];
  /** Commands a person can paste, once `url` answers. */
  readonly addresses: (object: KubeObject, url: string) => readonly string[];
}

export function specOf(object: KubeObject): Spec {
  return mapOf(object['spec']);
}

export function mapOf(value: unknown): Spec {
  return typeof value === 'object' && value !== null ? (value as Spec) : {};
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

export function titleOf(object: KubeObject, state: string): string {
  return `${object.kind} ${object.metadata.namespace}/${object.metadata.name}: ${state}`;
}

/** As `postgres ConnectionRefused`. */
export function backendsDown(
  backends:
    | readonly { readonly name: string; readonly ok: boolean; readonly reason?: string }[]
    | undefined,
): readonly string[] {
  return (backends ?? [])
    .filter((backend) => !backend.ok)
    .map(({ name, reason }) => `${name} ${reason ?? 'down'}`);
}
