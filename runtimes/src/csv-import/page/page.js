/**
 * Follows an import: its counts, and a few rows of each chunk as they arrive.
 *
 * The stream is read with fetch instead of an EventSource, which can neither send a token nor say why
 * it was refused. Texts of rows only ever become text of the page. Numbers are shown with the digits
 * that came, since an int64 or a decimal does not survive as a number of JavaScript.
 */
const table = document.documentElement.dataset.table;
const rowsShownMax = 30;
/** A closed laptop or a restarted gateway: soon at first, then patiently. */
const reconnectMs = [500, 1_000, 2_000, 5_000];
const speedWindowMs = 5_000;

const byId = (id) => document.getElementById(id);
const count = new Intl.NumberFormat('en');

const seen = { lastId: undefined, retryMs: undefined, rows: [], isDrawing: false };
/** When which number of records was read, for the speed. */
let measures = [];
let token;

function bytesText(bytes) {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  let size = bytes;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? size : size.toFixed(1)} ${units[unit]}`;
}

function say(state, tone = '') {
  byId('state').textContent = state;
  byId('state').dataset.tone = tone;
}

function notice(text) {
  byId('notice').textContent = text ?? '';
  byId('notice').hidden = text === undefined;
}

const tones = { Complete: 'good', Failed: 'bad', Lost: 'bad' };

function showProgress({ state, reason, read, rejected, superseded, bytes, chunks }) {
  say(state, tones[state] ?? 'live');
  notice(tones[state] === 'bad' && reason !== null ? `The import ended: ${reason}` : undefined);
  if (bytes === undefined) return;
  const isOver = state === 'Complete' || (chunks.complete && chunks.done === chunks.planned);
  showBytes(bytes, isOver);
  byId('speed').textContent = isOver ? '' : speedText(read);
  byId('read').textContent = count.format(read);
  byId('kept').textContent = count.format(read - rejected - superseded);
  byId('superseded').textContent = count.format(superseded);
  byId('rejected').textContent = count.format(rejected);
  byId('rejects').toggleAttribute('data-some', rejected > 0);
}

function showBytes({ source, planned, done }, isOver) {
  // Where the length of the source is not known, what is cut so far stands in for it.
  const isUnknown = source === null || source < planned;
  const whole = isUnknown ? planned : source;
  const share = whole === 0 ? 0 : done / whole;
  const percent = isOver ? 100 : Math.min(99, share * 100);
  if (isUnknown && !isOver) byId('bar').removeAttribute('value');
  else byId('bar').value = percent;
  byId('percent').textContent = `${Math.floor(percent)} %`;
  const size = bytesText(whole);
  byId('bytes').textContent = isOver ? size : `${bytesText(done)} of ${size}`;
}

function speedText(read) {
  const now = performance.now();
  measures = [...measures.filter(({ at }) => now - at < speedWindowMs), { at: now, read }];
  const [{ at, read: before }] = measures;
  if (now - at < 500 || read <= before) return '';
  return `${count.format(Math.round(((read - before) / (now - at)) * 1_000))} rows/s`;
}

/** A row with the digits of its numbers, where the browser gives us these. */
function parseRow(json) {
  return JSON.parse(json, (_key, value, context) =>
    typeof value === 'number' ? { digits: context?.source ?? String(value) } : value,
  );
}

function isNumber(value) {
  return typeof value === 'object' && value !== null && 'digits' in value;
}

function cell(tag, text, isNumeric) {
  const element = document.createElement(tag);
  element.textContent = text;
  element.title = text;
  element.classList.toggle('number', isNumeric);
  return element;
}

function valueCell(value, isNumeric) {
  if (value === null || value === undefined) {
    const element = cell('td', 'null', isNumeric);
    element.classList.add('none');
    return element;
  }
  if (isNumber(value)) return cell('td', value.digits, isNumeric);
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return cell('td', text, isNumeric);
}

function showRow(json) {
  seen.rows.unshift({ value: parseRow(json), isFresh: true });
  seen.rows.length = Math.min(seen.rows.length, rowsShownMax);
  if (seen.isDrawing) return;
  seen.isDrawing = true;
  // Thousands of rows may come between two frames; only the last few are ever drawn.
  requestAnimationFrame(draw);
}

function draw() {
  seen.isDrawing = false;
  const columns = Object.keys(seen.rows[0].value).map((name) => ({
    name,
    isNumeric: seen.rows.some(({ value }) => isNumber(value[name])),
  }));
  const heads = columns.map(({ name, isNumeric }) => {
    const element = cell('th', name, isNumeric);
    element.scope = 'col';
    return element;
  });
  const lines = seen.rows.map((row) => {
    const element = document.createElement('tr');
    element.classList.toggle('fresh', row.isFresh);
    row.isFresh = false;
    const { value } = row;
    element.append(...columns.map(({ name, isNumeric }) => valueCell(value[name], isNumeric)));
    return element;
  });
  byId('columns').replaceChildren(...heads);
  byId('rows').replaceChildren(...lines);
  byId('empty').hidden = true;
}

/** One event; true when it is the last. */
function take(block) {
  const event = { name: 'message', data: [] };
  for (const line of block.split('\n')) {
    const [, field, value] = /^([^:]*):? ?(.*)$/.exec(line);
    if (field === 'id') seen.lastId = value;
    else if (field === 'event') event.name = value;
    else if (field === 'data') event.data.push(value);
    else if (field === 'retry') seen.retryMs = Number(value);
  }
  if (event.data.length === 0) return false;
  const data = event.data.join('\n');
  if (event.name === 'message') showRow(data);
  else if (event.name === 'progress') showProgress(JSON.parse(data));
  return event.name === 'end';
}

/** Reads one response to its end; true when the import is over. */
async function read(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return false;
    const blocks = (text + value).split('\n\n');
    text = blocks.pop();
    for (const block of blocks) if (take(block)) return true;
  }
}

async function askForToken() {
  byId('auth').hidden = false;
  say('Locked');
  await new Promise((resolve) => {
    byId('auth').addEventListener(
      'submit',
      (event) => {
        event.preventDefault();
        token = byId('token').value.trim();
        byId('auth').hidden = true;
        resolve();
      },
      { once: true },
    );
  });
}

/** What no header can carry is no token of any gateway; fetch would only say that it failed. */
function isSendable(text) {
  try {
    return new Headers({ authorization: `Bearer ${text}` }).has('authorization');
  } catch {
    return false;
  }
}

/** How long to wait before the next attempt; undefined when there is nothing more to come. */
async function follow(failures) {
  if (token !== undefined && !isSendable(token)) {
    token = undefined;
    await askForToken();
    return 0;
  }
  const headers = {
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(seen.lastId === undefined ? {} : { 'last-event-id': seen.lastId }),
  };
  const url = `${encodeURIComponent(table)}/events?sample=20`;
  const response = await fetch(url, { headers, cache: 'no-store' });
  if (response.status === 204) return undefined;
  if (response.status === 401) {
    await askForToken();
    return 0;
  }
  if (!response.ok) {
    const { error } = await response.json();
    say('Waiting');
    notice(error?.message);
    return Math.max(1_000, reconnectMs[Math.min(failures, reconnectMs.length - 1)]);
  }
  notice(undefined);
  return (await read(response.body)) ? undefined : (seen.retryMs ?? 1_000);
}

async function run() {
  for (let failures = 0; ; failures += 1) {
    let waitMs;
    try {
      waitMs = await follow(failures);
      if (waitMs === undefined) return;
      if (seen.retryMs !== undefined) failures = 0;
    } catch {
      waitMs = reconnectMs[Math.min(failures, reconnectMs.length - 1)];
      say('Reconnecting');
    }
    await new Promise((resolve) => {
      setTimeout(resolve, waitMs);
    });
  }
}

await run();
