/**
 * A small kind that nobody reconciles, for what no kind of ours has or what a definition may not
 * have. Its definition is changed by each test that uses it.
 */
import { Type } from 'typebox';
import { conditionList } from '../src/conditions.ts';
import { customResourceDefinition, type CustomResourceDefinition } from '../src/crd-yaml.ts';
import { defineKind, type KindDefinition } from '../src/define-kind.ts';
import { printerColumns } from '../src/printer-columns.ts';
import { object } from '../src/schema.ts';

const count = (description: string) => Type.Integer({ minimum: 0, description });
const word = (description: string) => Type.String({ maxLength: 253, description });

const sample: KindDefinition = {
  kind: 'Sample',
  plural: 'samples',
  singular: 'sample',
  shortName: 'smp',
  slug: 'sample',
  description: 'A kind for tests.',
  spec: object(
    {
      replicas: Type.Optional(count('Replicas.')),
      share: Type.Optional(Type.Number({ description: 'A share.' })),
      backends: Type.Optional(object({ secretName: word('A Secret.') }, { description: 'Where.' })),
      words: Type.Optional(
        Type.Array(word('A word.'), {
          maxItems: 9,
          'x-kubernetes-list-type': 'set',
          description: 'Words.',
        }),
      ),
    },
    { description: 'What is asked.' },
  ),
  status: object(
    {
      observedGeneration: Type.Integer({ default: -1, description: 'Seen.' }),
      conditions: Type.Optional(conditionList()),
      runtimeImage: Type.Optional(word('Image.')),
      replicas: Type.Optional(count('Replicas.')),
      selector: Type.Optional(word('Selector.')),
    },
    { description: 'What is seen.' },
  ),
  printerColumns: printerColumns([]),
  selectableFields: ['.spec.backends.secretName'],
  scale: {
    specReplicasPath: '.spec.replicas',
    statusReplicasPath: '.status.replicas',
    labelSelectorPath: '.status.selector',
  },
};

export function sampleDefinition(changes: Partial<KindDefinition> = {}): CustomResourceDefinition {
  return customResourceDefinition(defineKind({ ...sample, ...changes }));
}

export interface WrongDefinition {
  readonly what: string;
  readonly changes: Partial<KindDefinition>;
  readonly problem: string;
  readonly server: 'refuses' | 'takes';
}

const nine = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'] as const;
const column = { name: 'Own', type: 'string', description: 'Own.' } as const;
const paths = (scale: object) => ({ ...sample.scale, ...scale }) as KindDefinition['scale'] & {};

export const wrongDefinitions: readonly WrongDefinition[] = [
  {
    what: 'a column of nothing',
    changes: { printerColumns: [{ ...column, jsonPath: '.spec.nothing' }] },
    problem: 'column Own: there is no .spec.nothing',
    server: 'takes',
  },
  {
    what: 'a column without a root',
    changes: { printerColumns: [{ ...column, jsonPath: 'spec.replicas' }] },
    problem: 'column Own: there is no spec.replicas',
    server: 'refuses',
  },
  {
    what: 'two columns of one name',
    changes: {
      printerColumns: [
        { ...column, jsonPath: '.spec.share' },
        { ...column, jsonPath: '.spec.share' },
      ],
    },
    problem: 'column Own is there twice',
    server: 'takes',
  },
  {
    what: 'a selectable field that does not exist',
    changes: { selectableFields: ['.spec.nothing'] },
    problem: '.spec.nothing cannot be selected by',
    server: 'refuses',
  },
  {
    what: 'a selectable fraction',
    changes: { selectableFields: ['.spec.share'] },
    problem: '.spec.share cannot be selected by',
    server: 'refuses',
  },
  {
    what: 'a selectable entry of a list',
    changes: { selectableFields: ['.spec.words[0]'] },
    problem: '.spec.words[0] cannot be selected by',
    server: 'refuses',
  },
  {
    what: 'a field that is selectable twice',
    changes: { selectableFields: ['.spec.replicas', '.spec.replicas'] },
    problem: '.spec.replicas is selectable twice',
    server: 'refuses',
  },
  {
    what: 'more selectable fields than a server takes',
    changes: {
      spec: object(Object.fromEntries(nine.map((name) => [name, word('A word.')])), {
        description: 'Nine words.',
      }),
      printerColumns: [],
      selectableFields: nine.map((name) => `.spec.${name}`),
    },
    problem: 'more than 8 fields are selectable',
    server: 'refuses',
  },
  {
    what: 'replicas with a default',
    changes: {
      spec: object(
        { count: Type.Integer({ default: 1, description: 'Replicas.' }) },
        { description: 'What is asked.' },
      ),
      printerColumns: [],
      selectableFields: [],
      scale: paths({ specReplicasPath: '.spec.count' }),
    },
    problem: 'specReplicasPath: .spec.count must have no default',
    server: 'takes',
  },
  {
    what: 'replicas outside the spec',
    changes: { scale: paths({ specReplicasPath: '.status.replicas' }) },
    problem: 'specReplicasPath must be below .spec',
    server: 'refuses',
  },
  {
    what: 'replicas that are no whole number',
    changes: { scale: paths({ specReplicasPath: '.spec.share' }) },
    problem: 'specReplicasPath: .spec.share is no integer',
    server: 'takes',
  },
  {
    what: 'a selector that does not exist',
    changes: { scale: paths({ labelSelectorPath: '.status.nothing' }) },
    problem: 'labelSelectorPath: .status.nothing is no string',
    server: 'takes',
  },
];
