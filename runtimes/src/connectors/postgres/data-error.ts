import { Permanent } from '@millrace/kit/permanent';

export interface DataErrorDetails {
  readonly sqlstate: string;
  readonly column: string | undefined;
  readonly constraint: string | undefined;
  readonly cause: unknown;
}

/**
 * The server refused a value (class 22, 54 or a trigger's exception: `Data:<sqlstate>`) or a row
 * (class 23: `Constraint:<sqlstate>`). A loader finds the row by bisection and rejects that row, not
 * its chunk. The message names column and constraint and never the value.
 */
export class DataError extends Permanent {
  readonly sqlstate: string;
  readonly column: string | undefined;
  readonly constraint: string | undefined;

  constructor(details: DataErrorDetails) {
    const family = details.sqlstate.startsWith('23') ? 'Constraint' : 'Data';
    const where = details.constraint ?? details.column;
    super(
      `${family}:${details.sqlstate}`,
      `Postgres refused a row${where === undefined ? '' : ` (${where})`}: SQLSTATE ${details.sqlstate}.`,
      { cause: details.cause, backend: 'postgres' },
    );
    this.sqlstate = details.sqlstate;
    this.column = details.column;
    this.constraint = details.constraint;
  }
}
