// The JSON API of this municipality, and its stream of changes.

const lang = document.documentElement.lang;
const root = `/api/v1/municipalities/${document.body.dataset.municipality}`;
const PATIENCE = 10_000; // ms until a request counts as unanswered
const QUIET = 45_000; // ms without a word from the stream until we ask whether anybody is there
const REOPEN = 3_000; // ms until a stream that the browser has given up is opened again

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
 * Follow the zones. `heard(data, whole)` gets every snapshot (whole) and change; `lost()` is called when the stream
 * is down and what is shown may be stale. The browser reconnects by itself; where it gives up, we open anew.
 */
export function follow(ids, { heard, lost }) {
  const query = ids.map((id) => `zone=${encodeURIComponent(id)}`).join("&");
  let source, watch, again;

  function open() {
    clearTimeout(again);
    source?.close();
    const mine = (source = new EventSource(`${root}/events?${query}&lang=${lang}`));
    const take = (whole) => (event) => {
      rest();
      heard(JSON.parse(event.data), whole);
    };
    mine.addEventListener("snapshot", take(true));
    mine.addEventListener("zones", take(false));
    mine.onerror = () => {
      lost();
      if (mine.readyState === EventSource.CLOSED && mine === source) again = setTimeout(open, REOPEN);
    };
    rest();
  }

  /** A half-open connection makes no error: after a quiet spell, ask. */
  function rest() {
    clearTimeout(watch);
    watch = setTimeout(async () => {
      const mine = source;
      try {
        const { ok, body } = await zones();
        if (mine !== source || mine.readyState !== EventSource.OPEN) return rest();
        if (!ok) throw new Error(body.title);
        heard(body, true);
        rest();
      } catch {
        lost();
        open();
      }
    }, QUIET);
  }

  open();
  return {
    restart() {
      lost();
      open();
    },
  };
}
