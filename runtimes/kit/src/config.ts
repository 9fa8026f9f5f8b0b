/**
 * One validated configuration: a JSON file, overridden by `MILLRACE_<PATH>` variables.
 *
 * Guarantees: an unknown key, a missing key or a wrong value is a Permanent `BadConfiguration` that
 * names it; an unknown `MILLRACE_*` variable is an error too, since a typing mistake must not be
 * silently ignored. The path of a key is its camelCase segments in upper snake case:
 * `bind.admin.port` is `MILLRACE_BIND_ADMIN_PORT`. Only strings, numbers and booleans can be overridden.
 */
import { readFileSync } from 'node:fs';
import { Compile } from 'typebox/compile';
import type { Static, TObject, TSchema } from 'typebox';
import { Permanent } from './permanent.ts';

export interface ConfigSource {
  readonly file: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Variables with our prefix that are read elsewhere, such as `MILLRACE_CONFIG` itself. */
  readonly reserved: readonly string[];
}

export function loadConfig<T extends TObject>(schema: T, source: ConfigSource): Static<T> {
  const config = readJson(source.file);
  applyOverrides(config, schema, source);
  const check = Compile(schema);
  const [problem] = check.Errors(config);
  if (problem !== undefined) {
    const where = problem.instancePath === '' ? 'the top level' : problem.instancePath;
    // A closed object refuses an unknown key with the schema `false`, which tells people nothing.
    const what = problem.keyword === 'boolean' ? 'is not a known key' : problem.message;
    throw new Permanent('BadConfiguration', `Configuration ${source.file}: ${where} ${what}.`);
  }
  return config as Static<T>;
}

function readJson(file: string): Record<string, unknown> {
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

function typeOf(schema: TSchema): unknown {
  return 'type' in schema ? schema.type : undefined;
}

function isScalar(schema: TSchema): boolean {
  return ['string', 'integer', 'number', 'boolean'].includes(String(typeOf(schema)));
}

function schemaAt(schema: TSchema, path: readonly string[]): TSchema {
  return path.reduce<TSchema>((at, key) => propertiesOf(at)?.[key] ?? at, schema);
}

function parseScalar(text: string, schema: TSchema): unknown {
  const type = typeOf(schema);
  if (type === 'string') return text;
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
