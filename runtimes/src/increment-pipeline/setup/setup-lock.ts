/** One process at a time makes or drops tables: Postgres would fail those that meet. */
import type { Database, Session } from '../../connectors/postgres/database.ts';

const key = `hashtext('millrace increment-pipeline setup')`;

/** The lock lasts as long as its session, so a process that dies cannot keep it. */
export async function underSetupLock<T>(
  owner: Database,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  return await owner.session(async (session) => {
    await session.query(`SELECT pg_advisory_lock(${key})`);
    const result = await work(session);
    await session.query(`SELECT pg_advisory_unlock(${key})`);
    return result;
  });
}
