import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ElectionWorld, goodNetwork, type Network } from '../../../test/election-world.ts';

const slots = 3;

/** Numbers that depend on the seed alone, so that a failure can be run again. */
function randomFrom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Nothing is modelled: what must hold is checked by the world at every change. */
class Disturbance implements fc.AsyncCommand<object, ElectionWorld> {
  readonly #name: string;
  readonly #run: (world: ElectionWorld) => Promise<void> | void;

  constructor(name: string, run: (world: ElectionWorld) => Promise<void> | void) {
    this.#name = name;
    this.#run = run;
  }

  check(): boolean {
    return true;
  }

  async run(_model: object, world: ElectionWorld): Promise<void> {
    await this.#run(world);
  }

  toString(): string {
    return this.#name;
  }
}

const slot = fc.nat({ max: slots - 1 });
const share = fc.constantFrom(0, 0.2, 0.7, 1);
const network: fc.Arbitrary<Network> = fc.record({
  requestMs: fc.constantFrom(5, 300, 4_000, 15_000),
  answerMs: fc.constantFrom(5, 300, 4_000, 15_000),
  requestLost: share,
  answerLost: share,
  doubled: share,
});

const disturbances = [
  fc
    .integer({ min: 100, max: 20_000 })
    .map((ms) => new Disturbance(`${ms} ms pass`, (world) => world.advance(ms))),
  fc
    .tuple(slot, network)
    .map(
      ([at, given]) =>
        new Disturbance(`network of ${at}: ${JSON.stringify(given)}`, (world) =>
          world.setNetwork(at, given),
        ),
    ),
  fc
    .tuple(slot, fc.constantFrom('running', 'stopped'))
    .map(([at, pause]) => new Disturbance(`${at} is ${pause}`, (world) => world.pause(at, pause))),
  slot.map((at) => new Disturbance(`${at} is killed`, (world) => world.kill(at))),
  slot.map((at) => new Disturbance(`${at} gives up`, (world) => world.release(at))),
  fc.boolean().map(
    (isAway) =>
      new Disturbance(`the server is ${isAway ? 'away' : 'back'}`, (world) => {
        world.isServerAway = isAway;
      }),
  ),
  fc.constant(new Disturbance('the Lease is edited', (world) => world.edit())),
];

/** Only the wall clock shows that a machine slept, so the two are not promised together. */
const clockTroubles = {
  'machines that sleep': slot.map(
    (at) => new Disturbance(`${at} is asleep`, (world) => world.pause(at, 'asleep')),
  ),
  'wall clocks that are set': fc
    .tuple(slot, fc.integer({ min: -3_600_000, max: 3_600_000 }))
    .map(
      ([at, ms]) =>
        new Disturbance(`the clock of ${at} is set by ${ms} ms`, (world) =>
          world.setWallClock(at, ms),
        ),
    ),
};

const clocks = fc.array(
  fc.record({
    wallOffsetMs: fc.integer({ min: -86_400_000, max: 86_400_000 }),
    rate: fc.constantFrom(0.9, 1, 1.1),
  }),
  { minLength: slots, maxLength: slots },
);

const exact = Array.from({ length: slots }, () => ({ wallOffsetMs: 0, rate: 1 }));

describe('candidates for a Lease', () => {
  it.each(Object.entries(clockTroubles))(
    'with %s are never two that may write, have rising epochs, and agree when all is well',
    async (_name, trouble) => {
      await fc.assert(
        fc.asyncProperty(
          clocks,
          fc.integer(),
          fc.commands([...disturbances, trouble], { maxCommands: 50, size: 'large' }),
          async (errors, seed, commands) => {
            const world = new ElectionWorld(errors, randomFrom(seed));
            await fc.asyncModelRun(() => ({ model: {}, real: world }), commands);

            await world.heal();
            await world.advance(60_000);
            expect(world.valid.length).toBe(1);
            const settled = [...world.epochs];
            await world.advance(30_000);
            expect([world.valid.length, world.epochs]).toEqual([1, settled]);
          },
        ),
        { numRuns: 150 },
      );
    },
    60_000,
  );

  it('follow a killed leader within twenty seconds, and one that gave up within three', async () => {
    const world = new ElectionWorld(exact, randomFrom(1));
    await world.advance(5_000);
    const [first = ''] = world.valid;

    world.kill(Number(first.at(-1)));
    await world.advance(20_000);
    const [second = ''] = world.valid;
    world.release(Number(second.at(-1)));
    await world.advance(3_000);

    expect(world.valid.length).toBe(1);
    expect(world.epochs.length).toBe(3);
    expect(new Set([first, second, ...world.valid]).size).toBe(3);
  });

  it('keep a leadership through an outage of eight seconds, and end it after ten', async () => {
    const world = new ElectionWorld(exact, randomFrom(2));
    await world.advance(5_000);

    world.isServerAway = true;
    await world.advance(6_000);
    world.isServerAway = false;
    await world.advance(5_000);
    expect(world.epochs.length).toBe(1);
    world.isServerAway = true;
    await world.advance(10_500);

    expect(world.valid).toEqual([]);
  });

  it('do not count the time that a machine slept as time in which its Lease was good', async () => {
    const world = new ElectionWorld(exact, randomFrom(3));
    await world.advance(5_000);
    const [sleeper = ''] = world.valid;

    world.pause(Number(sleeper.at(-1)), 'asleep');
    await world.advance(40_000);
    world.pause(Number(sleeper.at(-1)), 'running');

    expect(world.valid).not.toContain(sleeper);
    expect(world.valid.length).toBe(1);
  });

  it('count from before a renewal was sent, since its answer may come after a long stop', async () => {
    for (let offsetMs = 0; offsetMs < 3_000; offsetMs += 100) {
      const world = new ElectionWorld(exact, randomFrom(offsetMs));
      await world.advance(5_000);
      const [leader = ''] = world.valid;
      const slow = { ...goodNetwork, answerMs: 1_500 };
      world.setNetwork(Number(leader.at(-1)), slow);

      await world.advance(offsetMs);
      world.pause(Number(leader.at(-1)), 'stopped');
      await world.advance(25_000);
      world.pause(Number(leader.at(-1)), 'running');
      await world.advance(1_000);

      expect(world.valid).not.toContain(leader);
    }
  });

  it('renew at once when an answer was lost but the write had got through', async () => {
    const world = new ElectionWorld(exact, randomFrom(4));
    await world.advance(5_000);
    const [leader = ''] = world.valid;

    for (let round = 0; round < 20; round++) {
      world.setNetwork(Number(leader.at(-1)), { ...goodNetwork, answerLost: round % 2 });
      await world.advance(3_000);
    }

    expect(world.epochs.length).toBe(1);
  });
});
