/** A program that starts a cluster in the given folder, says so, and stays until killed. */
import { startControlPlane } from '../control-plane.ts';

const [, , stateDir, tier = 'a'] = process.argv;
if (stateDir === undefined) throw new Error('the state folder is missing');
if (tier !== 'a' && tier !== 'd') throw new Error(`no test holds a cluster of tier ${tier}`);
await startControlPlane({ tier, stateDir, env: process.env, log: () => undefined });
console.log('started');
setInterval(() => undefined, 60_000);
