/** A kind that play knows nothing of: a service by its condition Ready, with every backend there is. */
import { backendNames } from '../../backends/backend.ts';
import { readyEnd, readyView } from '../outcome.ts';
import { titleOf, type PlayKind } from './play-kind.ts';

export const anyKind: PlayKind = {
  runsToAnEnd: false,
  fixed: [],
  backends: () => backendNames,
  claim: () => undefined,
  end: readyEnd,
  goesOn: () => true,
  view: (object) => ({
    name: object.metadata.name,
    ...readyView(object),
    figures: [],
    backendsDown: [],
    isOver: false,
  }),
  summary: (object) => [titleOf(object, readyView(object).state)],
  addresses: (object, url) => [`${object.metadata.name} is served at ${url}`],
};
