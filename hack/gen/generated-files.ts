/** Every generated file with its text: pure, so that the generator and the tests see the same. */
import { kinds } from '@millrace/crds';
import { customResourceDefinition } from '@millrace/crds/crd-yaml';
import { assertDefinition } from '@millrace/crds/definition-checks';
import { chartFiles } from './chart/chart-files.ts';
import { definitionText } from './definition-text.ts';
import { fieldReference } from './field-reference.ts';

export interface GeneratedFile {
  /** From the root of the repository. */
  readonly path: string;
  readonly text: string;
}

/** Throws when a schema is not what an API server takes. */
export function generatedFiles(): GeneratedFile[] {
  const definitions = kinds.map((kind) => {
    const definition = customResourceDefinition(kind);
    assertDefinition(definition);
    return { path: `crds/${kind.slug}.yaml`, text: definitionText(definition, kind.slug) };
  });
  return [
    ...definitions,
    { path: 'crds/README.md', text: fieldReference(kinds) },
    ...chartFiles(kinds),
  ];
}
