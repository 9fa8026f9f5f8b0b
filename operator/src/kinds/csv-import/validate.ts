/**
 * Judges a spec by what the schema and its CEL rules cannot say, and repeats what they do say, since
 * a resource may have been stored before a rule existed. Pure: a chain of small checks, each naming
 * the field and the remedy; the first that objects decides.
 */
import { spec as specSchema, type ColumnSpec, type CsvImportSpec } from '@millrace/crds/csv-import';
import { durationMs, quantityBytes } from '@millrace/crds/schema';
import { Compile } from 'typebox/compile';
import { defaultWorkers } from './children/config-map.ts';

export interface Problem {
  readonly reason: 'InvalidSpec';
  readonly message: string;
}

export type Verdict =
  | { readonly ok: true; readonly spec: CsvImportSpec }
  | { readonly ok: false; readonly problem: Problem };

const specCheck = Compile(specSchema);

export function validate(spec: unknown): Verdict {
  if (!specCheck.Check(spec)) return invalid(schemaProblem(spec));
  for (const check of checks) {
    const message = check(spec);
    if (message !== undefined) return invalid(message);
  }
  return { ok: true, spec };
}

function invalid(message: string): Verdict {
  return { ok: false, problem: { reason: 'InvalidSpec', message } };
}

function schemaProblem(spec: unknown): string {
  const [problem] = specCheck.Errors(spec);
  const path = `spec${problem?.instancePath ?? ''}`.replaceAll('/', '.');
  return `${path} ${problem?.message ?? 'is not as the schema asks'}. Correct this field.`;
}

type Check = (spec: CsvImportSpec) => string | undefined;

const checks: readonly Check[] = [
  sourcePath,
  formatCharacters,
  columnNames,
  columnSources,
  columnFormats,
  keyColumns,
  filterColumns,
  chunkSize,
  recordSize,
  workerNumbers,
  cacheLife,
];

function sourcePath({ source }: CsvImportSpec): string | undefined {
  if (source.volume === undefined) {
    return 'spec.source.volume is required: name the claim and the path of the file.';
  }
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
  const isEpoch = format !== undefined && epochs.includes(format);
  if (allowNegative === true && !isEpoch) {
    return `allowNegative belongs to the formats ${epochs.join(', ')}: remove it or set one of them.`;
  }
  if (format === undefined) return undefined;
  if (type !== 'date' && type !== 'timestamp') {
    return `format belongs to the types date and timestamp, not ${type}: remove it or change the type.`;
  }
  if (isEpoch || format === 'RFC3339') {
    return type === 'timestamp'
      ? undefined
      : `format ${format} belongs to the type timestamp: use a pattern such as dd.MM.yyyy for a date.`;
  }
  return patternProblem(format, type);
}

const dateTokens = ['yyyy', 'MM', 'dd'];
const timeTokens = ['HH', 'mm', 'ss', 'SSS'];

function patternProblem(pattern: string, type: 'date' | 'timestamp'): string | undefined {
  const tokens = [...pattern.matchAll(/([A-Za-z])\1*/g)].map(([token]) => token);
  const allowed = type === 'date' ? dateTokens : [...dateTokens, ...timeTokens];
  // T and Z are the letters of the ISO notation and stand for themselves.
  const stranger = tokens.find((token) => !allowed.includes(token) && !/^[TZ]$/.test(token));
  if (stranger !== undefined) {
    return `format has ${stranger}, which is none of ${allowed.join(' ')}: correct the pattern, or use ${epochs.join(', ')} or RFC3339 for a timestamp.`;
  }
  const missing = dateTokens.find((token) => !tokens.includes(token));
  if (missing !== undefined) return `format lacks ${missing}: a date needs yyyy, MM and dd.`;
  const twice = tokens.find((token, index) => tokens.indexOf(token) !== index && /../.test(token));
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

function workerNumbers({ workers }: CsvImportSpec): string | undefined {
  const { min = defaultWorkers.min, max } = workers ?? {};
  if (max === undefined || min <= max) return undefined;
  return `spec.workers.min (${min}) is greater than spec.workers.max (${max}): lower one or raise the other.`;
}

function cacheLife({ cache }: CsvImportSpec): string | undefined {
  if (cache?.ttl === undefined) return undefined;
  const ms = durationMs(cache.ttl);
  return ms !== undefined && ms >= 1
    ? undefined
    : 'spec.cache.ttl must be longer than zero, such as 2m.';
}
