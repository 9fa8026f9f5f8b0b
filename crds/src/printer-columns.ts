/**
 * Columns of `kubectl get`, in the order in which every kind shows them: Ready and Reason, what is
 * particular to the kind, Age; with `-o wide` also Message, Backend and Version.
 */
export interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date' | 'boolean';
  readonly jsonPath: string;
  readonly description: string;
  /** 1 shows the column only with `-o wide`. */
  readonly priority?: number;
}

const ofReady = (field: string) => `.status.conditions[?(@.type=="Ready")].${field}`;

/** The columns of a kind: its own ones among those that every kind has. */
export function printerColumns(own: readonly PrinterColumn[]): readonly PrinterColumn[] {
  return [...first, ...own.filter(isShown), ...last, ...own.filter((column) => !isShown(column))];
}

function isShown({ priority = 0 }: PrinterColumn): boolean {
  return priority === 0;
}

const first: readonly PrinterColumn[] = [
  {
    name: 'Ready',
    type: 'string',
    jsonPath: ofReady('status'),
    description: 'Whether it is as asked.',
  },
  { name: 'Reason', type: 'string', jsonPath: ofReady('reason'), description: 'Why.' },
];

const last: readonly PrinterColumn[] = [
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Age.' },
  {
    name: 'Message',
    type: 'string',
    jsonPath: ofReady('message'),
    description: 'Why, in words.',
    priority: 1,
  },
  {
    name: 'Backend',
    type: 'string',
    jsonPath: '.spec.backends.secretName',
    description: 'Secret with the connection URLs; empty for millrace-backends.',
    priority: 1,
  },
  {
    name: 'Version',
    type: 'string',
    jsonPath: '.status.runtimeImage',
    description: 'Image of the pods.',
    priority: 1,
  },
];
