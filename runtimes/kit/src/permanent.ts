import { Failure } from './failure.ts';

/** This input or specification can never work: reject it with its reason; wait for a new one. */
export class Permanent extends Failure {
  readonly family = 'Permanent';
}
