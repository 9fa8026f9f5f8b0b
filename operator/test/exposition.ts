/**
 * A strict reader of Prometheus' text format: what a scraper would refuse or misread is an error that
 * names the line. Our own, since the program that checks it is not on every host.
 */
export interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

export interface Sample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

const helpLine = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/;
const typeLine = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram|summary)$/;
const sampleLine =
  /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? ([+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|NaN)$/i;
const label = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\["\\n])*)"(?:,|$)/;

export function readExposition(text: string): ReadonlyMap<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the text does not end with a line end');
  const families = new Map<string, Family & { readonly samples: Sample[] }>();
  const seen = new Set<string>();
  let current = '';
  for (const line of text.split('\n').filter((each) => each !== '')) {
    const help = helpLine.exec(line);
    const type = typeLine.exec(line);
    if (help !== null) {
      current = String(help[1]);
      if (families.has(current)) throw new Error(`a second family: ${line}`);
      families.set(current, { name: current, type: '', help: String(help[2]), samples: [] });
    } else if (type !== null) {
      const family = families.get(String(type[1]));
      if (family === undefined || family.name !== current)
        throw new Error(`no HELP before: ${line}`);
      families.set(current, { ...family, type: String(type[2]) });
    } else {
      const sample = readSample(line);
      const family = families.get(current);
      if (family === undefined || !belongs(sample.name, family)) throw new Error(`stray: ${line}`);
      const identity = line.slice(0, line.lastIndexOf(' '));
      if (seen.has(identity)) throw new Error(`twice: ${line}`);
      seen.add(identity);
      family.samples.push(sample);
    }
  }
  for (const family of families.values()) checkFamily(family);
  return families;
}

function readSample(line: string): Sample {
  const parts = sampleLine.exec(line);
  if (parts === null) throw new Error(`not a sample: ${line}`);
  const value = Number(String(parts[3]).replace(/Inf$/i, 'Infinity'));
  return { name: String(parts[1]), labels: readLabels(parts[2] ?? '', line), value };
}

function readLabels(text: string, line: string): ReadonlyMap<string, string> {
  const labels = new Map<string, string>();
  for (let rest = text; rest !== '';) {
    const parts = label.exec(rest);
    if (parts === null) throw new Error(`not a label: ${line}`);
    if (labels.has(String(parts[1]))) throw new Error(`a label twice: ${line}`);
    labels.set(String(parts[1]), String(parts[2]));
    rest = rest.slice(parts[0].length);
  }
  return labels;
}

const suffixesOf: Readonly<Record<string, readonly string[]>> = {
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
};

function belongs(sample: string, { name, type }: Family): boolean {
  const suffixes = suffixesOf[type] ?? [''];
  return suffixes.some((suffix) => sample === `${name}${suffix}`);
}

function checkFamily({ name, type, samples }: Family): void {
  if (type === '') throw new Error(`${name} has no TYPE`);
  if (type === 'counter' && samples.some(({ value }) => !(value >= 0))) {
    throw new Error(`${name} counts below nothing`);
  }
  if (type !== 'histogram') return;
  for (const { labels, value } of samples.filter((sample) => sample.name === `${name}_count`)) {
    const buckets = samples.filter(
      (sample) =>
        sample.name === `${name}_bucket` &&
        [...labels].every(([key, text]) => sample.labels.get(key) === text),
    );
    const counts = buckets.map((bucket) => bucket.value);
    const isRising = counts.every((count, index) => count >= (counts[index - 1] ?? 0));
    if (!isRising || buckets.at(-1)?.labels.get('le') !== '+Inf' || counts.at(-1) !== value) {
      throw new Error(`${name} has buckets that do not add up`);
    }
  }
}
