// What scripts add to pages that work without them: live parts, search as you type, files dropped or pasted, places of values.

const LEAST_PAUSE = 300; // milliseconds between two fetches of one part; the server tells of changes less often
const states = new WeakMap();

// --- live: the server names what has changed, the parts that show it are fetched and morphed in place -----------------

async function refresh(part) {
  const state = states.get(part) ?? {busy: false, again: false};
  states.set(part, state);
  if (state.busy) { state.again = true; return; }
  if (part.querySelector('[data-edited]') || part.matches('[data-edited]')) return; // somebody is typing there
  state.busy = true;
  try {
    // Each part is its own source: htmx has one queue for each, and drops what does not fit into it.
    await htmx.ajax('GET', part.dataset.src, {source: part, target: part, swap: 'outerMorph'});
  } finally {
    setTimeout(() => {
      state.busy = false;
      if (state.again) { state.again = false; refresh(part); }
    }, LEAST_PAUSE);
  }
}

function changed({anything, ids}) {
  for (const part of document.querySelectorAll('[data-live]')) {
    if (anything || part.dataset.live === 'any' || ids.includes(part.dataset.live)) refresh(part);
  }
}

let source = null;
let missed = false;

function say(state) {
  const place = document.getElementById('live');
  const text = place?.dataset[state];
  if (place && place.textContent !== text) place.textContent = text;
}

// Only pages that are seen are connected: a browser has few connections to one server, and many tabs.
function connect() {
  if (document.hidden || !document.querySelector('[data-live]')) {
    source?.close();
    source = null;
    missed = true;
    return;
  }
  if (source) return;
  source = new EventSource(`/live?since=${document.documentElement.dataset.version}`);
  source.onopen = () => {
    say('on');
    if (missed) changed({anything: true, ids: []});
    missed = true;
  };
  source.onerror = () => say('off');
  source.addEventListener('change', event => changed(JSON.parse(event.data)));
}

document.addEventListener('visibilitychange', connect);
window.addEventListener('pagehide', () => { source?.close(); source = null; });
window.addEventListener('pageshow', connect);

document.addEventListener('input', ({target}) => target.closest('[data-live]') && target.form?.setAttribute('data-edited', ''));

// --- the list follows the filters ------------------------------------------------------------------------------------

const filters = document.getElementById('filters');
let typing = 0;

function follow() {
  const wanted = new URLSearchParams([...new FormData(filters)].filter(([, value]) => value !== ''));
  history.replaceState(null, '', `${filters.action}?${wanted}`);
  wanted.set('part', 'list');
  htmx.ajax('GET', `${filters.action}?${wanted}`, {source: '#list', target: '#list', swap: 'outerMorph'});
}

filters?.addEventListener('input', event => {
  clearTimeout(typing);
  typing = setTimeout(follow, event.target.tagName === 'SELECT' ? 0 : 180);
});
filters?.addEventListener('submit', event => { event.preventDefault(); follow(); });

// --- files: dropped anywhere, or pasted ------------------------------------------------------------------------------

const drop = document.getElementById('drop');
let inside = 0;

function bring(files) {
  if (!drop || !files.length) return;
  drop.elements.files.files = files;
  drop.submit();
}

const hasFiles = event => drop && event.dataTransfer?.types.includes('Files');
document.addEventListener('dragenter', event => { if (hasFiles(event)) { inside += 1; drop.hidden = false; } });
document.addEventListener('dragleave', event => { if (hasFiles(event) && --inside <= 0) { inside = 0; drop.hidden = true; } });
document.addEventListener('dragover', event => { if (hasFiles(event)) event.preventDefault(); });
document.addEventListener('drop', event => {
  if (!hasFiles(event)) return;
  event.preventDefault();
  bring(event.dataTransfer.files);
});
document.addEventListener('paste', event => {
  const files = event.clipboardData?.files ?? [];
  if (document.getElementById('bring')?.open) gather(files); else bring(files);
});

// A camera gives a photo at a time: each is added to those before, and several are the pages of one document.
function gather(files) {
  if (!files.length) return;
  const chosen = document.getElementById('files');
  const all = new DataTransfer();
  for (const file of [...chosen.files, ...files]) all.items.add(file);
  chosen.files = all.files;
  document.getElementById('as-one').checked = all.files.length > 1;
}

document.getElementById('camera')?.addEventListener('change', ({target}) => { gather(target.files); target.value = ''; });

// --- a value and its place on the page light up together -------------------------------------------------------------

function light(field, on) {
  document.getElementById(`place-${field}`)?.classList.toggle('is-on', on);
}

for (const [begin, end] of [['mouseover', 'mouseout'], ['focusin', 'focusout']]) {
  document.addEventListener(begin, ({target}) => { const row = target.closest?.('tr[data-field]'); if (row) light(row.dataset.field, true); });
  document.addEventListener(end, ({target}) => { const row = target.closest?.('tr[data-field]'); if (row) light(row.dataset.field, false); });
}
// --- a click on a line of the page makes it the value that is being edited ---------------------------------------------

let edited = null;
document.addEventListener('focusin', ({target}) => { if (target.matches?.('.values input:not([type=hidden])')) edited = target.name; });

async function take(line) {
  const field = document.getElementById(`value-${edited}`);
  if (!field) return;
  const said = await fetch(`${line}?${new URLSearchParams({field: edited})}`);
  const value = said.ok ? await said.text() : '';
  if (!value) return;
  field.value = value;
  field.form.setAttribute('data-edited', '');
  field.focus();
}

document.addEventListener('click', ({target}) => {
  if (target.dataset?.line) take(target.dataset.line);
  const place = target.closest?.('.sheet rect[data-field]');
  if (place) document.getElementById(`value-${place.dataset.field}`)?.focus();
});

// --- keys: / searches, n and p go through a series or a list; a, s, r, l, u press the button that names them, e edits ----------------------------------------------------------

document.addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, select, textarea')) return;
  if (event.key === '/') {
    const search = filters?.elements.q;
    event.preventDefault();
    if (search) search.focus(); else location.href = '/documents';
  }
  if (event.key === 'e') {
    const wanted = ['.is-doubtful input:not([type=hidden])', '.is-doubtful select', 'input:not([type=hidden])'];
    const field = wanted.map(each => document.querySelector(`.values ${each}`)).find(Boolean);
    event.preventDefault();
    field?.focus();
    field?.select?.();
  }
  if (/^[a-z]$/.test(event.key)) document.querySelector(`button[data-key=${event.key}]`)?.click();
  const way = {n: 'next', p: 'prev'}[event.key];
  if (way) document.querySelector(`a[rel=${way}]`)?.click();
});

// --- SQL to copy ------------------------------------------------------------------------------------------------------

document.addEventListener('click', async ({target}) => {
  if (!target.dataset?.copy) return;
  await navigator.clipboard.writeText(document.getElementById(target.dataset.copy).textContent);
  target.textContent = target.dataset.done;
});

connect();
