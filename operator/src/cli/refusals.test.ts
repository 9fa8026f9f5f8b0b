import { describe, expect, it } from 'vitest';
import { manifestDocuments } from './manifest-file.ts';
import { refusalLines } from './refusals.ts';

const text = `apiVersion: millrace.dev/v1alpha1
kind: CsvImport
metadata: { name: users }
spec:
  columns:
    - name: id
      type: bigint
    - name: born
      type: txt
      tipe: text
  workers:
    min: -1
    max: 0
  wrkers: 3
`;

function linesOf(message: string): readonly string[] {
  const [document] = manifestDocuments('users.yaml', text);
  return document === undefined ? [] : refusalLines(message, document);
}

/** Messages as an API server 1.35 gave them. */
describe('the objections of an API server', () => {
  it('are cut at the paths of their fields, each with its line', () => {
    const message =
      'CsvImport.millrace.dev "users" is invalid: [spec.columns[1].type: Unsupported value: "txt": supported values: "text", "integer", spec.workers.max: Invalid value: 0: spec.workers.max in body should be greater than or equal to 1, <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]';

    expect(linesOf(message)).toEqual([
      'users.yaml:9: spec.columns[1].type: Unsupported value: "txt": supported values: "text", "integer"',
      'users.yaml:13: spec.workers.max: Invalid value: 0: spec.workers.max in body should be greater than or equal to 1',
    ]);
  });

  it('name a field that the schema does not know', () => {
    const message =
      'failed to create typed patch object (team/users; millrace.dev/v1alpha1, Kind=CsvImport): .spec.wrkers: field not declared in schema';

    expect(linesOf(message)).toEqual(['users.yaml:14: spec.wrkers: field not declared in schema']);
  });

  it('find an item of a list by its key', () => {
    const message =
      'failed to create typed patch object (team/users; millrace.dev/v1alpha1, Kind=CsvImport): errors:\n  .spec.columns[name="born"].tipe: field not declared in schema\n  .spec.wrkers: field not declared in schema';

    expect(linesOf(message)).toEqual([
      'users.yaml:10: spec.columns[name="born"].tipe: field not declared in schema',
      'users.yaml:14: spec.wrkers: field not declared in schema',
    ]);
  });

  it('stand at the top where they name no field', () => {
    expect(linesOf('the object is too large')).toEqual(['users.yaml:1: the object is too large']);
  });
});
