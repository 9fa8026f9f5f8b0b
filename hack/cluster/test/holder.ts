/** A program that starts a tier A cluster in the given folder, says so, and stays until killed. */
import { startControlPlane } from '../control-plane.ts';

const [, , stateDir] = process.argv;
if (stateDir === undefined) throw new Error('the state folder is missing');
await startControlPlane({ tier: 'a', stateDir, env: process.env, log: () => undefined });
console.log('started');
setInterval(() => undefined, 60_000);
