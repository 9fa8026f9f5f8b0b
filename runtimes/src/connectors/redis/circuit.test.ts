import { describe, expect, it } from 'vitest';
import { createCircuit, type Circuit } from './circuit.ts';

function scene(): { readonly circuit: Circuit; readonly pass: (ms: number) => void } {
  let now = 0;
  const clock = { now: () => now, monotonic: () => now, sleep: async () => undefined };
  return {
    circuit: createCircuit({ clock, failuresMax: 3, openMs: 1_000 }),
    pass: (ms) => {
      now += ms;
    },
  };
}

function failTimes({ circuit }: { readonly circuit: Circuit }, times: number): void {
  for (let count = 0; count < times; count++) circuit.failed();
}

describe('the circuit', () => {
  it('opens after failures in a row only', () => {
    const it = scene();
    failTimes(it, 2);
    it.circuit.succeeded();
    failTimes(it, 2);
    expect(it.circuit.allows()).toBe(true);

    it.circuit.failed();

    expect(it.circuit.allows()).toBe(false);
  });

  it('lets one caller ask when its time is over, and closes on success', () => {
    const it = scene();
    failTimes(it, 3);
    it.pass(1_000);

    expect([it.circuit.allows(), it.circuit.allows()]).toEqual([true, false]);
    it.circuit.succeeded();
    expect([it.circuit.allows(), it.circuit.allows()]).toEqual([true, true]);
  });

  it('stays open for another period when that caller fails', () => {
    const it = scene();
    failTimes(it, 3);
    it.pass(1_000);
    it.circuit.allows();
    it.circuit.failed();

    it.pass(999);
    expect(it.circuit.allows()).toBe(false);
    it.pass(1);
    expect(it.circuit.allows()).toBe(true);
  });
});
