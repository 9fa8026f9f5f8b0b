import { expect, it } from 'vitest';
import { Budget } from './budget.ts';

it('the budget counts what was appended since Redis was asked, once', () => {
  const budget = new Budget(100);
  budget.added(60);
  budget.looking();
  budget.added(30);

  // The answer has the first 60 in it, and may lack the 30 that came while it was on its way.
  budget.looked(55);

  expect([budget.bytes, budget.isFull]).toEqual([85, false]);
  budget.added(15);
  expect(budget.isFull).toBe(true);
  budget.looking();
  budget.looked(0);
  expect(budget.bytes).toBe(0);
});
