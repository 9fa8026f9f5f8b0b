/**
 * A pod program for the supervisor's tests; its first argument says what it does.
 *
 * `serve MS` answers probes on the admin port and drains for so long at SIGTERM, `stubborn` does so and ignores SIGTERM,
 * `exit N` leaves a termination message and ends with N, `flaky FILE` fails until FILE exists.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';

const [what, argument = ''] = process.argv.slice(2);
const admin = Number(process.env['MILLRACE_BIND_ADMIN_PORT'] ?? '0');

function serve(): void {
  const server = createServer((request, response) => {
    if (request.url === '/env') response.end(JSON.stringify(process.env));
    else response.writeHead(existsSync(process.env['BROKEN_FILE'] ?? '') ? 500 : 200).end('ok');
  });
  server.listen(admin, process.env['MILLRACE_BIND_ADMIN_HOST']);
  process.on('SIGTERM', () => {
    if (what === 'stubborn') return;
    setTimeout(() => process.exit(0), what === 'serve' ? Number(argument) : 0);
  });
}

function exit(): void {
  writeFileSync(process.env['MILLRACE_TERMINATION_LOG'] ?? '', `ended with ${argument}`);
  process.exitCode = Number(argument);
}

switch (what) {
  case 'serve':
  case 'stubborn':
    serve();
    break;
  case 'exit':
    exit();
    break;
  case 'flaky':
    if (existsSync(argument)) serve();
    else process.exitCode = 1;
    break;
  default:
    process.exitCode = 64;
}
