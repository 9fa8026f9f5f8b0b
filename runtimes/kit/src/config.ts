/**
 * One validated configuration: defaults, then a JSON file, then `MILLRACE_<PATH>` variables, then
 * flags; each overrides what stands before it, key by key. Only the file is there for every process.
 *
 * Guarantees: an unknown key, a missing key or a wrong value is a Permanent `BadConfiguration` that
 * names it; an unknown `MILLRACE_*` variable is an error too, since a typing mistake must not be
 * silently ignored. The path of a key is its camelCase segments in upper snake case:
 * `bind.admin.port` is `MILLRACE_BIND_ADMIN_PORT`. A variable can hold a string, a number, a boolean,
 * or a list of strings with commas between them.
 */
import { readFileSync } from 'node:fs';
import { Compile } from 'typebox/compile';
import type { Static, TObject, TSchema } from 'typebox';
import { Permanent } from './permanent.ts';

export interface ConfigSource {
  /** Left out by commands that can do with variables and flags. */
  readonly file?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Variables with our prefix that are read elsewhere, such as `MILLRACE_CONFIG` itself. */
  readonly reserved: readonly string[];
  readonly defaults?: object;
  /** What was given on the command line; undefined values count as not given. */
  readonly flags?: object;
}

export function loadConfig<T extends TObject>(schema: T, source: ConfigSource): Static<T> {
  const file = source.file === undefined ? {} : readJson(source.file);
  // A copy: variables are assigned into it in place.
  const config = merged(structuredClone(source.defaults ?? {}), file);
  applyOverrides(config, schema, source);
  const complete = merged(config, source.flags ?? {});
  const check = Compile(schema);
  const [problem] = check.Errors(complete);
  if (problem !== undefined) {
    const where = problem.instancePath === '' ? 'the top level' : problem.instancePath;
    // A closed object refuses an unknown key with the schema `false`, which tells people nothing.
    const what = problem.keyword === 'boolean' ? 'is not a known key' : problem.message;
    const name = source.file === undefined ? 'Configuration' : `Configuration ${source.file}`;
    throw new Permanent('BadConfiguration', `${name}: ${where} ${what}.`);
  }
  return complete as Static<T>;
}

/** A new object; lists are replaced as a whole. */
function merged(base: object, over: object): Record<string, unknown> {
  const result: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    if (value === undefined) continue;
    const held = result[key];
    result[key] = isPlain(held) && isPlain(value) ? merged(held, value) : value;
  }
  return result;
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readJson(file: string): object {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Permanent('BadConfiguration', `Configuration ${file} cannot be read as JSON.`, {
      cause: error,
    });
  }
}

function applyOverrides(
  config: Record<string, unknown>,
  schema: TObject,
  source: ConfigSource,
): void {
  const paths = new Map(scalarPaths(schema, []).map((path) => [variableName(path), path]));
  for (const [name, text] of Object.entries(source.env)) {
    if (!name.startsWith('MILLRACE_') || text === undefined || source.reserved.includes(name))
      continue;
    const path = paths.get(name);
    if (path === undefined) {
      throw new Permanent(
        'BadConfiguration',
        `${name} names no configuration key. Remove it or correct its spelling.`,
      );
    }
    assign(config, path, parseScalar(text, schemaAt(schema, path)));
  }
}

/** `['bind', 'admin', 'port']` → `MILLRACE_BIND_ADMIN_PORT`. */
export function variableName(path: readonly string[]): string {
  return `MILLRACE_${path.map((segment) => segment.replace(/[A-Z]/g, '_$&').toUpperCase()).join('_')}`;
}

function scalarPaths(schema: TSchema, path: readonly string[]): string[][] {
  const properties = propertiesOf(schema);
  if (properties === undefined) return isScalar(schema) ? [[...path]] : [];
  return Object.entries(properties).flatMap(([key, child]) => scalarPaths(child, [...path, key]));
}

function propertiesOf(schema: TSchema): Record<string, TSchema> | undefined {
  return 'properties' in schema ? (schema.properties as Record<string, TSchema>) : undefined;
}

function typeOf(schema: TSchema): string {
  return 'type' in schema ? String(schema.type) : '';
}

function isScalar(schema: TSchema): boolean {
  return isTextList(schema) || ['string', 'integer', 'number', 'boolean'].includes(typeOf(schema));
}

function isTextList(schema: TSchema): boolean {
  return 'items' in schema && typeOf(schema.items as TSchema) === 'string';
}

function schemaAt(schema: TSchema, path: readonly string[]): TSchema {
  return path.reduce<TSchema>((at, key) => propertiesOf(at)?.[key] ?? at, schema);
}

function parseScalar(text: string, schema: TSchema): unknown {
  const type = typeOf(schema);
  if (type === 'string') return text;
  if (isTextList(schema)) return text === '' ? [] : text.split(',').map((item) => item.trim());
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  // A value that is no number stays text, so that the schema check reports it under its key.
  const number = text.trim() === '' ? Number.NaN : Number(text);
  return type !== 'boolean' && Number.isFinite(number) ? number : text;
}

function assign(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [key, ...rest] = path;
  if (key === undefined) return;
  if (rest.length === 0) {
    target[key] = value;
    return;
  }
  const child = target[key];
  const next =
    typeof child === 'object' && child !== null ? (child as Record<string, unknown>) : {};
  target[key] = next;
  assign(next, rest, value);
}
