// The JSON API of this municipality, and its stream of changes.

const lang = document.documentElement.lang;
const root = `/api/v1/municipalities/${document.body.dataset.municipality}`;
const PATIENCE = 10_000; // ms until a request counts as unanswered
const QUIET = 45_000; // ms without a word from the stream until we ask whether anybody is there
const REOPEN = 3_000; // ms between tries while the stream is down

async function ask(path, options = {}) {
  const response = await fetch(`${path}${path.includes("?") ? "&" : "?"}lang=${lang}`, {
    cache: "no-store",
    signal: AbortSignal.timeout(PATIENCE),
    ...options,
    headers: { "Accept-Language": lang, ...options.headers },
  });
  return { ok: response.ok, body: await response.json() };
}

/** A random key for one press; also where randomUUID is missing (plain http in the local network). */
export function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export const zones = () => ask(`${root}/zones`);
export const lease = (id) => ask(`${root}/leases/${id}`);
export const press = (zone, key) =>
  ask(`${root}/zones/${zone}/press`, { method: "POST", headers: { "Idempotency-Key": key } });
export const setClock = (change) =>
  ask("/api/v1/demo/clock", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(change),
  });

/**
 * Follow the zones. `heard(data)` gets every snapshot and every change; `lost()` is called when the stream is down and
 * what is shown may be stale. The browser reconnects by itself; where it gives up, we open anew. A stream that comes
 * back may say nothing (no change was missed), so we ask for the present then.
 */
export function follow(ids, { heard, lost }) {
  const query = ids.map((id) => `zone=${encodeURIComponent(id)}`).join("&");
  let source, watch, again;
  let down = false;
  let latest = 0;

  function take(data) {
    down = false;
    latest = Date.parse(data.now);
    heard(data);
  }

  function open() {
    clearTimeout(again);
    source?.close();
    const mine = (source = new EventSource(`${root}/events?${query}&lang=${lang}`));
    for (const name of ["snapshot", "zones"]) {
      mine.addEventListener(name, (event) => {
        rest();
        take(JSON.parse(event.data));
      });
    }
    mine.onopen = () => down && check();
    mine.onerror = () => {
      down = true;
      lost();
      if (mine.readyState === EventSource.CLOSED && mine === source) again = setTimeout(open, REOPEN);
    };
    rest();
  }

  /** A half-open connection makes no error: after a quiet spell, see whether anybody is there. */
  function rest() {
    clearTimeout(watch);
    watch = setTimeout(check, down ? REOPEN : QUIET);
  }

  async function check() {
    const mine = source;
    rest();
    const { ok, body } = await zones().catch(() => ({ ok: false }));
    if (mine !== source || mine.readyState !== EventSource.OPEN) return;
    if (ok && Date.parse(body.now) >= latest) take(body);
    else if (!ok && !down) restart();
  }

  function restart() {
    down = true;
    lost();
    open();
  }

  open();
  return { restart };
}
