/**
 * The names of a kind, all derived from one: `PriceFeed` or `price-feed`. Kubernetes wants the plural
 * and the short name in lower case; folders, files and metrics have the slug.
 */
import { Permanent } from '@millrace/kit/permanent';

export interface KindNames {
  /** PriceFeed */
  readonly kind: string;
  /** priceFeed, for variables. */
  readonly camel: string;
  /** priceFeeds */
  readonly camelPlural: string;
  /** price-feed */
  readonly slug: string;
  /** price_feed */
  readonly snake: string;
  /** pricefeed */
  readonly singular: string;
  /** pricefeeds */
  readonly plural: string;
  /** pf, unless another is given. */
  readonly shortName: string;
}

const inWords = /^[A-Z][a-z0-9]+([A-Z][a-z0-9]+)*$/;
const withDashes = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
/** Children and labels are made of it, and those may have 63 characters. */
const slugCharactersMax = 30;
const shortName = /^[a-z][a-z0-9]{1,7}$/;

export function kindNames(given: string, short?: string): KindNames {
  const words = wordsOf(given);
  const slug = words.join('-');
  if (slug.length > slugCharactersMax) {
    throw badName(
      `${given} is longer than ${slugCharactersMax} characters: choose a shorter name.`,
    );
  }
  const kind = words.map(capital).join('');
  const camel = kind.charAt(0).toLowerCase() + kind.slice(1);
  const shorter = short ?? initials(words);
  if (!shortName.test(shorter)) {
    throw badName(
      `${shorter} cannot be a short name: give --short two to eight letters or digits.`,
    );
  }
  return {
    kind,
    camel,
    camelPlural: pluralOf(camel),
    slug,
    snake: words.join('_'),
    singular: words.join(''),
    plural: pluralOf(words.join('')),
    shortName: shorter,
  };
}

function wordsOf(given: string): readonly string[] {
  if (inWords.test(given)) {
    return given.split(/(?=[A-Z])/).map((word) => word.toLowerCase());
  }
  if (withDashes.test(given)) return given.split('-');
  throw badName(`${given} cannot be a kind: write it as PriceFeed or price-feed.`);
}

/** The first letters, and enough of the last word to make two. */
function initials(words: readonly string[]): string {
  const letters = words.map((word) => word.charAt(0)).join('');
  return letters.length > 1 ? letters : (words[0] ?? '').slice(0, 3);
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

function pluralOf(word: string): string {
  if (/[^aeiou]y$/.test(word)) return `${word.slice(0, -1)}ies`;
  return /(s|x|z|ch|sh)$/.test(word) ? `${word}es` : `${word}s`;
}

function badName(message: string): Permanent {
  return new Permanent('BadName', message);
}
