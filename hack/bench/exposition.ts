/** Reads the Prometheus text that the operator serves; pure. */

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const line = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const label = /(\w+)="((?:[^"\\]|\\.)*)"/g;

export function samplesOf(text: string): readonly Sample[] {
  return text.split('\n').flatMap((row) => {
    const match = row.startsWith('#') ? null : line.exec(row);
    if (match === null) return [];
    const [, name = '', labels = '', value = ''] = match;
    const pairs = [...labels.matchAll(label)].map(([, key = '', held = '']) => [key, held]);
    return [{ name, labels: Object.fromEntries(pairs), value: Number(value) }];
  });
}

/** The sum over all samples of that name that carry these labels. */
export function total(
  samples: readonly Sample[],
  name: string,
  accepts: (labels: Sample['labels']) => boolean = () => true,
): number {
  return samples
    .filter((sample) => sample.name === name && accepts(sample.labels))
    .reduce((sum, { value }) => sum + value, 0);
}
