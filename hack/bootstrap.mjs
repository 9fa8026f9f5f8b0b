/**
 * From any Node from 18 on to the locked one: `node hack/bootstrap.mjs <script.ts> [args…]`.
 *
 * Installs what package-lock.json says when that was not yet done, then runs the script with the
 * Node of node_modules. A stamp with the lock's hash is written only after a complete install, so a
 * killed one is done again, and of two at once the second waits for the first. Standard output is
 * the script's alone; set-up talks on standard error.
 *
 * The script's Node is spawned by path. Found through PATH it could be the host's: shells remember
 * where a command was before the install made a better one.
 */
import { spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, 'node_modules');
const stamp = join(modules, '.millrace-lock-hash');
const lock = join(root, '.millrace', 'bootstrap.lock');
const oldestNode = [24, 11];
const lockPollMs = 200;

function say(line) {
  process.stderr.write(`${line}\n`);
}

function fail(line) {
  say(line);
  process.exit(1);
}

function readText(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function readJson(path) {
  const text = readText(path);
  return text === '' ? undefined : JSON.parse(text);
}

function lockHash() {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
}

/**
 * npm writes its own record of the tree at the end of an install. Where it agrees with the lock, a
 * developer's `npm install` is as good as ours. Packages for other platforms are rightly absent.
 */
function isInstalledByHand() {
  const installed = readJson(join(modules, '.package-lock.json'))?.packages;
  if (installed === undefined) return false;
  const wanted = Object.entries(readJson(join(root, 'package-lock.json')).packages);
  return wanted.every(([path, { version, link, optional }]) => {
    if (!path.startsWith('node_modules/')) return true;
    const found = installed[path];
    if (found === undefined) return optional === true;
    return link === true || found.version === version;
  });
}

function isInstalled() {
  if (readText(stamp) === lockHash()) return true;
  if (!isInstalledByHand()) return false;
  writeFileSync(stamp, lockHash());
  return true;
}

/** Pid and start time, so that a reused pid is not taken for the process that is meant. */
function identify(pid) {
  if (process.platform !== 'linux') {
    try {
      process.kill(pid, 0);
      return { pid, startedAt: '' };
    } catch {
      return undefined;
    }
  }
  const stat = readText(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return stat === '' || fields[0] === 'Z' ? undefined : { pid, startedAt: fields[19] };
}

function isAlive(identity) {
  return identity !== undefined && identify(identity.pid)?.startedAt === identity.startedAt;
}

/** The holder may be killed while its npm goes on; the lock is free when both are gone. */
function isHeld(holder) {
  return isAlive(holder.bootstrap) || isAlive(holder.npm);
}

function writeAside(content) {
  const draft = `${lock}.${randomUUID()}`;
  writeFileSync(draft, JSON.stringify(content));
  return draft;
}

function isTaken() {
  const draft = writeAside({ bootstrap: identify(process.pid) });
  try {
    linkSync(draft, lock);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Between reading and moving another process may have taken the lock; then it is put back. */
function breakLock() {
  const aside = `${lock}.${randomUUID()}`;
  try {
    renameSync(lock, aside);
    if (isHeld(readJson(aside))) linkSync(aside, lock);
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
  }
  rmSync(aside, { force: true });
}

async function takeLock() {
  mkdirSync(dirname(lock), { recursive: true });
  let hasTold = false;
  while (!isTaken()) {
    const holder = readJson(lock);
    if (holder === undefined) continue;
    if (!isHeld(holder)) {
      breakLock();
      continue;
    }
    if (!hasTold) say(`waiting for process ${holder.bootstrap.pid}, which is installing packages`);
    hasTold = true;
    await delay(lockPollMs);
  }
}

function exitOf(child) {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
}

/** The npm that started us, if one did, else the one on PATH. */
function npmCommand() {
  const script = process.env.npm_execpath;
  return script !== undefined && /npm-cli\.c?js$/.test(script) && existsSync(script)
    ? { file: process.execPath, args: [script] }
    : { file: 'npm', args: [] };
}

async function install() {
  const { file, args } = npmCommand();
  say('installing packages (npm ci)');
  // The stamp goes first: from here until the end the tree is not what it says.
  rmSync(stamp, { force: true });
  const child = spawn(file, [...args, 'ci', '--ignore-scripts', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  const ended = exitOf(child);
  if (child.pid !== undefined) {
    const holder = { bootstrap: identify(process.pid), npm: identify(child.pid) };
    renameSync(writeAside(holder), lock);
  }
  const { code, signal } = await ended.catch((error) => fail(`cannot run npm: ${error.message}`));
  if (code !== 0) throw new Error(`npm ci ended with ${code ?? signal}; its output is above`);
  writeFileSync(stamp, lockHash());
}

async function ensureInstalled() {
  if (isInstalled()) return;
  await takeLock();
  try {
    if (!isInstalled()) await install();
  } finally {
    rmSync(lock, { force: true });
  }
}

function nodePath() {
  const locked = join(modules, '.bin', 'node');
  if (existsSync(locked)) return locked;
  const [major, minor] = process.versions.node.split('.').map(Number);
  const [wantedMajor, wantedMinor] = oldestNode;
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) {
    return process.execPath;
  }
  return fail(
    `No Node for ${process.platform}-${process.arch} comes with the packages, and ` +
      `this is ${process.version}: install Node ${oldestNode.join('.')} or newer and run it again.`,
  );
}

/**
 * Ctrl-C on a terminal goes to every process of the foreground group, so the script has it already;
 * passed on, it would arrive twice, and twice means "do not wait for the drain".
 */
function isInForeground() {
  const stat = readText('/proc/self/stat');
  if (stat === '') return process.stdin.isTTY === true;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [group, foregroundGroup] = [fields[2], fields[5]];
  return group === foregroundGroup;
}

async function runScript(args) {
  const child = spawn(nodePath(), args, { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGHUP']) {
    process.on(signal, () => {
      if (!isInForeground()) child.kill(signal);
    });
  }
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  const { code, signal } = await exitOf(child);
  if (signal === null) {
    process.exitCode = code;
    return;
  }
  // Ends the way the script did, so that the caller sees the same; the status is for the case that
  // the signal does not end this process.
  process.exitCode = 128 + constants.signals[signal];
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}

const args = process.argv.slice(2);
if (args.length === 0 || args[0] === '--help') {
  say('Usage: node hack/bootstrap.mjs <script.ts> [arguments of the script]');
  process.exit(args.length === 0 ? 64 : 0);
}
try {
  await ensureInstalled();
} catch (error) {
  fail(error.message);
}
await runScript(args);
