/**
 * Entry point of `npm run play`. Compiled code is kept between runs, which halves the time until the
 * first line; that must be switched on before anything else is loaded, hence the late import.
 */
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

enableCompileCache(fileURLToPath(new URL('../../.millrace/compile-cache', import.meta.url)));
const { main } = await import('./command.ts');
await main(process.argv.slice(2));
