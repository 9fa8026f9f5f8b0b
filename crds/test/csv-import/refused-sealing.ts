/** Refused because of sealed columns: where a value that cannot be compared is asked to be. */
import type { Refusal } from '../refusal.ts';

const id = { name: 'id', type: 'bigint' };
const sealed = { name: 'email', type: 'text', sealed: true };
const searchable = { ...sealed, searchable: true };

function refused(
  what: string,
  patch: object,
  said: { readonly field: string; readonly message: string },
): Refusal {
  const { field, message } = said;
  return {
    what,
    patch: { format: { header: 'Present' }, serve: null, ...patch },
    message: `${field}: ${message}`,
    server: `CsvImport.millrace.dev "users" is invalid: ${field}: Invalid value: ${message}`,
  };
}

export const refusedSealing: readonly Refusal[] = [
  refused(
    'a searchable column that is not sealed',
    { columns: [id, { ...searchable, sealed: false }] },
    {
      field: 'spec.columns[1].searchable',
      message:
        'searchable is for sealed columns; set sealed, or list the column in serve.filters instead',
    },
  ),
  refused(
    'a searchable number',
    { columns: [id, { ...searchable, type: 'bigint' }] },
    {
      field: 'spec.columns[1].searchable',
      message: 'searchable is for columns of type text; remove it or change type',
    },
  ),
  refused(
    'a searchable column whose name leaves no room',
    { columns: [id, { ...searchable, name: 'a'.repeat(59) }] },
    {
      field: 'spec.columns[1].name',
      message:
        'a searchable column has a name of at most 58 characters, since _bidx is added to it',
    },
  ),
  refused(
    'a sealed key',
    { columns: [id, searchable], target: { key: ['id', 'email'] } },
    {
      field: 'spec.target.key',
      message:
        'target.key must not name a sealed column, whose values never compare equal; choose another key',
    },
  ),
  refused(
    'a filter by a sealed column',
    { columns: [id, sealed], serve: { filters: ['email'] } },
    {
      field: 'spec.serve.filters',
      message:
        'serve.filters must not name a sealed column that is not searchable; set searchable, or remove the filter',
    },
  ),
  refused(
    'the name of a blind index',
    { columns: [id, searchable, { name: 'email_bidx', type: 'text' }] },
    {
      field: 'spec.columns',
      message:
        'names ending in _bidx are kept for the indexes of searchable columns; rename the column',
    },
  ),
  ...[null, { delimiter: ';' }, { header: 'Auto' }].map((format) =>
    refused(
      `a sealed column in a file with the format ${JSON.stringify(format)}`,
      { columns: [id, sealed], format },
      {
        field: 'spec.format.header',
        message:
          'format.header must be Present or Absent where a column is sealed, because the names in a header are stored as they are; say whether the first record is one',
      },
    ),
  ),
];
