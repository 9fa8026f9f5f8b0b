/**
 * Judges a spec by what the schema and its CEL rules cannot say, and repeats what they do say, since
 * a resource may have been stored before a rule existed. Pure: a chain of small checks, each naming
 * the field and the remedy; the first that objects decides.
 */
import { spec as specSchema, type ColumnSpec, type CsvImportSpec } from '@millrace/crds/csv-import';
import { durationMs, quantityBytes } from '@millrace/crds/schema';
import { rateLimitProblem } from '../../machinery/workload/rate-limit.ts';
import { judge, type Check } from '../../machinery/workload/spec-choice.ts';
import { workerBounds } from './children/config-map.ts';

const checks: readonly Check<CsvImportSpec>[] = [
  sourceKinds,
  sourcePath,
  formatCharacters,
  columnNames,
  columnSources,
  columnFormats,
  keyColumns,
  filterColumns,
  sealedColumns,
  chunkSize,
  recordSize,
  workerNumbers,
  cacheLife,
  rateLimitPeriod,
];

export const validate = judge(specSchema, checks);

function sourceKinds({ source }: CsvImportSpec): string | undefined {
  const { compression: _how, ...places } = source;
  if (Object.keys(places).length === 1) return undefined;
  return 'spec.source names exactly one source: volume with the claim and the path of the file, s3 with the bucket and the key of the object, or http with the address.';
}

function sourcePath({ source }: CsvImportSpec): string | undefined {
  if (source.volume === undefined) return undefined;
  const { path } = source.volume;
  if (path.startsWith('/')) {
    return 'spec.source.volume.path is relative to the volume: remove the leading slash.';
  }
  if (path.split('/').some((part) => part === '..' || part === '')) {
    return 'spec.source.volume.path must stay inside the volume: write it without .. and without empty parts.';
  }
  return undefined;
}

function formatCharacters({ format }: CsvImportSpec): string | undefined {
  const used = new Map<string, string>();
  for (const field of ['delimiter', 'quote', 'comment'] as const) {
    const character = format?.[field];
    if (character === undefined || character === 'Auto' || character === 'None') continue;
    const other = used.get(character);
    if (other !== undefined) {
      return `spec.format.${field} is the same character as spec.format.${other}: choose another for one of them.`;
    }
    used.set(character, field);
  }
  return undefined;
}

function columnNames({ columns }: CsvImportSpec): string | undefined {
  const seen = new Set<string>();
  for (const { name } of columns ?? []) {
    if (name === '_millrace_pos') {
      return 'spec.columns: _millrace_pos is kept by Millrace itself; rename the column and set from to its header.';
    }
    if (seen.has(name)) {
      return `spec.columns names ${name} twice: remove one or rename it and set from to its header.`;
    }
    seen.add(name);
  }
  return undefined;
}

function columnSources({ columns }: CsvImportSpec): string | undefined {
  // The schema lets any value through here, since Kubernetes has no type for "number or string".
  for (const { name, from } of columns ?? []) {
    const isPosition = typeof from === 'number' && Number.isInteger(from) && from >= 0;
    const isHeader = typeof from === 'string' && from !== '';
    if (from !== undefined && !isPosition && !isHeader) {
      return `spec.columns[${name}].from must be a header name or a position counted from 0.`;
    }
  }
  return undefined;
}

const epochs = ['EpochSeconds', 'EpochMillis', 'EpochMicros'];

function columnFormats({ columns }: CsvImportSpec): string | undefined {
  for (const column of columns ?? []) {
    const message = columnFormat(column);
    if (message !== undefined) return `spec.columns[${column.name}].${message}`;
  }
  return undefined;
}

function columnFormat({ type, format, allowNegative }: ColumnSpec): string | undefined {
  if (allowNegative === true && type !== 'timestamp') {
    return 'allowNegative belongs to the type timestamp: remove it or change the type.';
  }
  if (format === undefined) return undefined;
  if (type !== 'date' && type !== 'timestamp') {
    return `format belongs to the types date and timestamp, not ${type}: remove it or change the type.`;
  }
  if (!epochs.includes(format) && format !== 'RFC3339') return patternProblem(format);
  return type === 'timestamp'
    ? undefined
    : `format ${format} belongs to the type timestamp: use a pattern such as dd.MM.yyyy for a date.`;
}

const patternParts = ['yyyy', 'MM', 'dd', 'HH', 'mm', 'ss', 'SSS'];

/** A pattern that the workers could not read would reject every record of the file. */
function patternProblem(pattern: string): string | undefined {
  const found: readonly string[] = pattern.match(/yyyy|MM|dd|HH|mm|ss|SSS/g) ?? [];
  const rest = pattern.replaceAll(/yyyy|MM|dd|HH|mm|ss|SSS/g, '');
  // T and Z are the letters of the ISO notation and stand for themselves.
  const stranger = /[A-SU-Ya-z]|[^\x20-\x7e]/.exec(rest)?.[0];
  if (stranger !== undefined) {
    return `format has ${stranger}, which is part of none of ${patternParts.join(' ')}: correct the pattern, or use ${epochs.join(', ')} or RFC3339 for a timestamp.`;
  }
  const missing = ['yyyy', 'MM', 'dd'].find((part) => !found.includes(part));
  if (missing !== undefined) return `format lacks ${missing}: a date needs yyyy, MM and dd.`;
  const twice = found.find((part, index) => found.indexOf(part) !== index);
  return twice === undefined ? undefined : `format has ${twice} twice: remove one.`;
}

function keyColumns({ target, columns }: CsvImportSpec): string | undefined {
  const key = target.key ?? [];
  const twice = key.find((name, index) => key.indexOf(name) !== index);
  if (twice !== undefined) return `spec.target.key names ${twice} twice: remove one.`;
  const stranger = key.find((name) => columns?.every((column) => column.name !== name) === true);
  if (stranger === undefined) return undefined;
  return `spec.target.key names ${stranger}, which spec.columns does not list: add the column or correct the key.`;
}

function filterColumns({ serve, columns }: CsvImportSpec): string | undefined {
  for (const filter of serve?.filters ?? []) {
    if (columns === undefined) continue;
    const column = columns.find(({ name }) => name === filter);
    if (column === undefined) {
      return `spec.serve.filters names ${filter}, which spec.columns does not list: add the column or remove the filter.`;
    }
    if (column.type !== 'text') {
      return `spec.serve.filters names ${filter}, which is ${column.type}: only text columns can be filtered by prefix.`;
    }
  }
  return undefined;
}

function sealedColumns({ columns = [], target, serve }: CsvImportSpec): string | undefined {
  const open = columns.find((column) => column.searchable === true && column.sealed !== true);
  if (open !== undefined) {
    return `spec.columns[${open.name}].searchable is for sealed columns: set sealed, or list the column in spec.serve.filters.`;
  }
  const typed = columns.find((column) => column.searchable === true && column.type !== 'text');
  if (typed !== undefined) {
    return `spec.columns[${typed.name}].searchable is for columns of type text: remove it or change the type.`;
  }
  const sealed = columns.filter((column) => column.sealed === true);
  const key = sealed.find(({ name }) => target.key?.includes(name) === true);
  if (key !== undefined) {
    return `spec.target.key names ${key.name}, which is sealed and never compares equal: choose another key.`;
  }
  const filter = sealed.find(
    ({ name, searchable }) => searchable !== true && serve?.filters?.includes(name) === true,
  );
  if (filter === undefined) return undefined;
  return `spec.serve.filters names ${filter.name}, which is sealed: set searchable on the column, or remove the filter.`;
}

const kib = 1_024;
const mib = 1_024 * kib;

function chunkSize({ chunkBytes }: CsvImportSpec): string | undefined {
  return sizeProblem('chunkBytes', chunkBytes, { max: 256 * mib, range: 'from 1Ki to 256Mi' });
}

function recordSize({ maxRecordBytes }: CsvImportSpec): string | undefined {
  return sizeProblem('maxRecordBytes', maxRecordBytes, {
    max: 64 * mib,
    range: 'from 1Ki to 64Mi',
  });
}

function sizeProblem(
  field: string,
  quantity: number | string | undefined,
  limit: { readonly max: number; readonly range: string },
): string | undefined {
  if (quantity === undefined) return undefined;
  const size = quantityBytes(quantity);
  if (size !== undefined && size >= kib && size <= limit.max) return undefined;
  return `spec.${field} must be a size ${limit.range}, such as 16Mi.`;
}

function workerNumbers(spec: CsvImportSpec): string | undefined {
  const { min, max } = workerBounds(spec);
  if (min <= max) return undefined;
  return `spec.workers.min (${min}) is greater than spec.workers.max (${max}): lower one or raise the other.`;
}

const cacheTtlMaxMs = 720 * 3_600_000;

function cacheLife({ cache }: CsvImportSpec): string | undefined {
  if (cache?.ttl === undefined) return undefined;
  const ms = durationMs(cache.ttl);
  if (ms !== undefined && ms >= 1_000 && ms <= cacheTtlMaxMs) return undefined;
  return 'spec.cache.ttl must be from 1s to 720h, such as 2m.';
}

function rateLimitPeriod({ serve }: CsvImportSpec): string | undefined {
  return rateLimitProblem('serve.rateLimit', serve?.rateLimit);
}
