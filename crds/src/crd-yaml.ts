/**
 * Turns a Kind into the CustomResourceDefinition that teaches an API server about it.
 *
 * Pure: the generator in hack/ writes the result as YAML, the in-memory API installs it as it is, so
 * both judge a resource by the same schema. `additionalProperties: false` is dropped beside
 * `properties`, where an API server refuses it: the server prunes unknown fields, or refuses them
 * under strict field validation. TypeBox's hidden markers do not survive the copy.
 */
import { group, version, type Kind, type ScalePaths } from './define-kind.ts';
import type { PrinterColumn } from './printer-columns.ts';
import type { RuleText } from './schema.ts';

/** One node of a structural schema: JSON Schema's keywords as far as an API server takes them. */
export interface StructuralSchema {
  readonly type?: string;
  readonly description?: string;
  readonly format?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly additionalProperties?: StructuralSchema;
  readonly items?: StructuralSchema;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'map' | 'set';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-validations'?: readonly CelRule[];
}

export interface CelRule extends RuleText {
  readonly rule: string;
}

export interface CrdVersion {
  readonly name: string;
  readonly served: boolean;
  readonly storage: boolean;
  readonly schema: { readonly openAPIV3Schema: StructuralSchema };
  readonly subresources: { readonly status: object; readonly scale?: ScalePaths };
  readonly selectableFields: readonly { readonly jsonPath: string }[];
  readonly additionalPrinterColumns: readonly PrinterColumn[];
}

export interface CustomResourceDefinition {
  readonly apiVersion: 'apiextensions.k8s.io/v1';
  readonly kind: 'CustomResourceDefinition';
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly group: string;
    readonly scope: 'Namespaced';
    readonly names: {
      readonly kind: string;
      readonly listKind: string;
      readonly plural: string;
      readonly singular: string;
      readonly shortNames: readonly string[];
      readonly categories: readonly string[];
    };
    readonly versions: readonly [CrdVersion];
  };
}

/** The definition of one kind, as an API server takes it. */
export function customResourceDefinition(kind: Kind): CustomResourceDefinition {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${kind.plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: {
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        plural: kind.plural,
        singular: kind.singular,
        shortNames: [kind.shortName],
        categories: ['millrace'],
      },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: rootSchema(kind) },
          subresources: { status: {}, ...(kind.scale && { scale: kind.scale }) },
          selectableFields: kind.selectableFields.map((jsonPath) => ({ jsonPath })),
          additionalPrinterColumns: kind.printerColumns,
        },
      ],
    },
  };
}

/**
 * The whole object. The status default makes a resource that no operator has seen say so
 * (`observedGeneration: -1`): without it, generic tools take a missing status for a finished one.
 */
function rootSchema(kind: Kind): StructuralSchema {
  const status = structural(kind.status);
  return {
    type: 'object',
    description: kind.description,
    required: ['spec'],
    'x-kubernetes-validations': [nameRule],
    properties: {
      apiVersion: { type: 'string', description: 'Version of the schema of this object.' },
      kind: { type: 'string', description: 'Kind of this object.' },
      // Named so that a rule can point at it; everything in it is the API machinery's to check.
      metadata: { type: 'object', properties: { name: { type: 'string' } } },
      spec: structural(kind.spec),
      status: { ...status, default: { observedGeneration: -1 } },
    },
  };
}

/**
 * Children are called after the resource: `<name>-gateway` is a host name, and `<name>-coordinator`
 * a label of at most 63 characters.
 */
const nameRule: CelRule = {
  rule: "self.metadata.name.size() <= 50 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
  message:
    'metadata.name must start with a letter and be at most 50 lower-case letters, digits and dashes',
  fieldPath: '.metadata.name',
};

/** A plain copy without the keywords that only our own checks read. */
export function structural(schema: unknown): StructuralSchema {
  return JSON.parse(JSON.stringify(schema), (key: string, value: unknown) =>
    key === 'additionalProperties' && value === false ? undefined : value,
  ) as StructuralSchema;
}
