/** Asks every few seconds how the workers get on and how many more the server has room for. */
import type { Clock } from '@millrace/kit/clock';
import { readCrew, type Crew } from '../../chunks/crew.ts';
import { connectionsFor } from '../../connectors/postgres/connections-free.ts';
import type { Database } from '../../connectors/postgres/database.ts';
import { applicationName } from '../connections.ts';
import { Knee } from './knee.ts';

const askEveryMs = 2_000;

export interface CrewFacts {
  readonly crew: Crew;
  readonly knee: number | undefined;
  readonly connections: number | undefined;
}

export class CrewWatch {
  readonly #clock: Clock;
  readonly #knee = new Knee();
  #askedMs = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Undefined when it was asked a moment ago. */
  async look(
    db: Database,
    { uid, name }: { readonly uid: string; readonly name: string },
  ): Promise<CrewFacts | undefined> {
    const nowMs = this.#clock.monotonic();
    if (nowMs - this.#askedMs < askEveryMs) return undefined;
    this.#askedMs = nowMs;
    const crew = await readCrew(db, uid);
    this.#knee.see(crew, nowMs);
    const connections = await connectionsFor(db, applicationName('worker', name));
    return { crew, knee: this.#knee.most, connections };
  }
}
