/** Words, names and values that the generated exports are made of. */
import type { Random } from '@millrace/runtimes/csv/test/tables';

export const people = [
  'Ann Lee',
  'Bob Smith',
  "Sean O'Neil",
  'Zoë Weber',
  'Jürgen Müller',
  'Lucía García',
  'Jean-Luc Petit',
  'Li Wei',
  'Olga Ivanova',
  'Tom Baker',
];
export const cities = [
  'Berlin',
  'New York',
  'São Paulo',
  'Washington, D.C.',
  'Köln',
  'Paris',
  'Reading',
  'Lyon',
  'Oslo',
  'Porto',
  'Graz',
  'Leeds',
];
export const countries = [
  'Germany',
  'France',
  'Korea, Rep.',
  'Brazil',
  "Côte d'Ivoire",
  'Norway',
  'Spain',
  'Japan',
  'United States',
  'Kenya',
  'Chile',
  'Poland',
];
export const goods = [
  'garden table',
  'desk lamp, red',
  '5" pipe',
  "Bob's mug",
  'steel shelf',
  'chair (oak)',
  'rug 2x3',
  'cable; 3 m',
  'poster "Sea"',
  'box/lid',
  'hat',
  'tea & milk set',
];
const phrases = [
  'paid in full',
  'call first',
  'delivered, signed',
  'see note; urgent',
  'ok',
  'no answer',
  'said "later"',
  'wrong address',
  'returned',
  'gift wrap | card',
  'rush',
  'left with neighbour',
];

export function phrase(random: Random): string {
  return Array.from({ length: 1 + random.below(3) }, () => random.pick(phrases)).join(' ');
}

export function pad(value: number, length = 2): string {
  return String(value).padStart(length, '0');
}

export function isoDate(random: Random): string {
  return `20${pad(10 + random.below(15))}-${pad(1 + random.below(12))}-${pad(1 + random.below(28))}`;
}

export function germanDate(random: Random): string {
  return `${pad(1 + random.below(28))}.${pad(1 + random.below(12))}.20${pad(10 + random.below(15))}`;
}

export function clockTime(random: Random): string {
  return `${pad(random.below(24))}:${pad(random.below(60))}:${pad(random.below(60))}`;
}

export function decimal(random: Random, limit = 1000): string {
  return (random.next() * limit).toFixed(2);
}

/** With a comma before the cents and dots between the thousands. */
export function germanAmount(random: Random): string {
  const sign = random.chance(0.5) ? '-' : '';
  const thousands = random.chance(0.3)
    ? `${1 + random.below(9)}.${pad(random.below(1000), 3)}`
    : String(random.below(999));
  return `${sign}${thousands},${pad(random.below(100))}`;
}

/** With commas between the thousands. */
export function grouped(random: Random): string {
  return (random.below(9_000_000) + 1000).toLocaleString('en-US');
}

export function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}
