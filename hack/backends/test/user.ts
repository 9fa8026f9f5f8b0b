/** A program that starts every backend in the given folder, says so, and stays until it is killed. */
import { backendNames } from '../backend.ts';
import { startBackends } from '../resolve.ts';

const [, , stateDir] = process.argv;
if (stateDir === undefined) throw new Error('the state folder is missing');
await startBackends(backendNames, { stateDir, env: process.env, log: () => undefined });
console.log('started');
setInterval(() => undefined, 60_000);
