/**
 * Makes the target ready, with the owner's rights: creates it if it is absent, adopts it if asked,
 * creates the rejects table, and grants the working role what a load needs and nothing more.
 * Safe to repeat; the coordinator that holds the target is the only one who runs it.
 */
import { Permanent } from '@millrace/kit/permanent';
import type { Database, Session } from '../../connectors/postgres/database.ts';
import { sqlIdentifier } from '../../connectors/postgres/identifier.ts';
import { addSealedMark, createRejectsTable, rejectsTable } from './rejects.ts';
import { requireIdentity } from './sealing.ts';
import {
  createdTypes,
  describeTarget,
  mismatch,
  positionColumn,
  type Target,
  type TargetSpec,
} from './target.ts';

export interface TargetSetup extends TargetSpec {
  readonly adopt: boolean;
  /** The role that loads and serves; undefined if it is the owner itself. */
  readonly workingRole?: string;
  /** Told when the table was made, in the transaction that made it. */
  readonly created?: (tx: Session) => Promise<void>;
  /** Whether any column is sealed, and with it what is rejected. */
  readonly isSealed?: boolean;
}

export interface PreparedTarget {
  readonly target: Target;
  readonly wasEmpty: boolean;
}

export async function prepareTarget(owner: Database, setup: TargetSetup): Promise<PreparedTarget> {
  return owner.transaction(async (tx) => {
    const target = await createOrAdopt(tx, setup);
    await createRejectsTable(tx, setup.table);
    if (setup.isSealed === true) {
      requireIdentity(target);
      await addSealedMark(tx, setup.table);
    }
    await grant(tx, setup);
    const { rows } = await tx.query<{ empty: boolean }>(
      `SELECT NOT EXISTS (SELECT FROM ${sqlIdentifier(setup.table)}) AS empty`,
    );
    return { target, wasEmpty: rows[0]?.empty ?? false };
  });
}

async function createOrAdopt(tx: Session, setup: TargetSetup): Promise<Target> {
  const existing = await describeTarget(tx, setup);
  if (existing === undefined) {
    await tx.query(createTableSql(setup));
    await setup.created?.(tx);
    return describeExisting(tx, setup);
  }
  if (existing.hasPosition) return existing;
  if (setup.adopt) {
    // A constant default is stored once, not in every row: rows that are there count as position 0,
    // older than any import, and so do rows that others write later.
    await tx.query(
      `ALTER TABLE ${sqlIdentifier(setup.table)} ADD COLUMN ${positionColumn} bigint NOT NULL DEFAULT 0`,
    );
    return describeExisting(tx, setup);
  }
  if (setup.key.length === 0) return existing;
  throw new Permanent(
    'TargetNotAdopted',
    `The table ${setup.table} was not created by Millrace and lacks ${positionColumn}: set target.adopt to true in a new import to add it, or load into another table.`,
  );
}

function createTableSql(setup: TargetSetup): string {
  const columns = setup.columns.map(
    (column) => `${sqlIdentifier(column.name)} ${createdTypes[column.type]}`,
  );
  columns.push(`${positionColumn} bigint NOT NULL DEFAULT 0`);
  if (setup.key.length > 0)
    columns.push(`PRIMARY KEY (${setup.key.map(sqlIdentifier).join(', ')})`);
  return `CREATE TABLE ${sqlIdentifier(setup.table)} (${columns.join(', ')})`;
}

async function describeExisting(tx: Session, setup: TargetSetup): Promise<Target> {
  const target = await describeTarget(tx, setup);
  if (target === undefined) throw mismatch(setup, 'vanished while it was prepared');
  return target;
}

/** SELECT and UPDATE are what ON CONFLICT DO UPDATE needs; TEMPORARY is for the merge's stage. */
async function grant(tx: Session, setup: TargetSetup): Promise<void> {
  if (setup.workingRole === undefined) return;
  const role = sqlIdentifier(setup.workingRole);
  const { rows } = await tx.query<{ role: string; database: string; may_stage: boolean }>(
    `SELECT current_user AS role, current_database() AS database,
      has_database_privilege($1, current_database(), 'TEMPORARY') AS may_stage`,
    [setup.workingRole],
  );
  const [now] = rows;
  if (now === undefined || now.role === setup.workingRole) return;
  if (!now.may_stage) {
    await tx.query(`GRANT TEMPORARY ON DATABASE ${sqlIdentifier(now.database)} TO ${role}`);
  }
  await tx.query(`GRANT SELECT, INSERT, UPDATE ON ${sqlIdentifier(setup.table)} TO ${role}`);
  await tx.query(`GRANT SELECT, INSERT ON ${sqlIdentifier(rejectsTable(setup.table))} TO ${role}`);
}
