// The resident's page: what the service says goes in, what the reader sees comes out.

import * as api from "./api.js";
import { Clock } from "./clock.js";
import { answer, answerLost, drawing, lit, mayPress, zoneView } from "./view.js";
import { t, time } from "./words.js";

const LOOKS = [300, 500, 1000, 2000, 3000, 4000, 5000, 5000, 5000, 5000]; // ms between looks at a lease
const SLOW = 5000; // ms after which a press without confirmation is called slow
const SAME_PRESS = 60_000; // ms in which a press after no answer is the same press
const CLOCK_SLIP = 2000; // ms by which the browser's two clocks differ after the device slept

const { municipality, name: village, hero: heroId } = document.body.dataset;
const part = (name, within = document) => within.querySelector(`[data-is="${name}"]`);
const cards = new Map(Array.from(document.querySelectorAll("[data-zone]"), (card) => [card.dataset.zone, card]));
const zones = new Map();
const presses = new Map(); // zone id -> the press under way, or what became of the last one
const spoken = new Map();
const clock = new Clock();
let live = false;
let heardAt = null; // the service's time of its last word about the zones
let slip = 0;

function write(element, text) {
  if (!element) return;
  if (element.textContent !== text) element.textContent = text;
  element.hidden = !text;
}

function say(text) {
  part("announce").textContent = text;
}

// --- drawing

function drawCard(id, now) {
  const zone = zones.get(id);
  const card = cards.get(id);
  const { name } = card.dataset;
  const view = zoneView(name, zone, now, presses.get(id), live);
  const { dial } = view;
  card.dataset.look = dial.look;
  card.dataset.light = zone.light.state;
  for (const line of ["state", "lamps", "note", "cost", "again"]) write(part(line, card), view[line]);
  part("note", card).classList.toggle("fault", view.fault);
  write(part("above", card), dial.above ?? "");
  write(part("big", card), dial.big);
  write(part("below", card), dial.below ?? "");
  write(part("more", card), dial.more ?? "");
  const button = part("dial", card);
  const label = [view.again || dial.big, dial.label ?? dial.below].filter(Boolean).join(", ");
  button.setAttribute("aria-label", t("label_zone", { label, name }));
  button.setAttribute("aria-disabled", String(!view.may));
  card.querySelector(".left").setAttribute("stroke-dasharray", `${((dial.part ?? 0) * 100).toFixed(2)} 100`);
  if (spoken.has(id) && spoken.get(id) !== view.spoken && live) say(view.spoken);
  spoken.set(id, view.spoken);
}

function drawMap() {
  const seen = new Set();
  for (const place of document.querySelectorAll("[data-place]")) {
    place.dataset.light = drawing(zones.get(place.dataset.place));
    seen.add(place.dataset.light);
  }
  for (const entry of document.querySelectorAll("[data-legend]")) entry.hidden = !seen.has(entry.dataset.legend);
}

function draw() {
  const now = clock.now();
  const known = Array.from(cards.keys()).filter((id) => zones.has(id));
  const list = known.map((id) => ({ name: cards.get(id).dataset.name, zone: zones.get(id) }));
  const timezone = list[0]?.zone.timezone;
  for (const id of known) drawCard(id, now);
  drawMap();
  if (now !== null && timezone) write(part("clock"), time(now, now, timezone));
  for (const button of document.querySelectorAll("[data-speed]")) {
    button.setAttribute("aria-pressed", String(Number(button.dataset.speed) === clock.speed));
  }
  const opening = document.body.dataset.link === "opening";
  if (opening || (live && !list.length)) return;
  const hero = zones.has(heroId) ? { name: cards.get(heroId).dataset.name, zone: zones.get(heroId) } : null;
  const { head, sub } = live ? answer(village, list, hero, now) : answerLost(timezone ? heardAt : null, timezone);
  write(part("answer"), head);
  write(part("sub"), sub);
}

// --- hearing

function setClock(word) {
  if (!word.now) return;
  clock.set(word);
  slip = Date.now() - performance.now();
}

function learn(data) {
  setClock(data);
  heardAt = clock.now();
  for (const zone of data.zones) {
    zones.set(zone.id, zone);
    const press = presses.get(zone.id);
    if (press?.phase === "refused" && press.retryAt === null) presses.delete(zone.id);
    if (press?.phase === "failed" && lit(zone.light)) presses.delete(zone.id);
    press?.wake?.();
  }
}

function heard(data) {
  learn(data);
  live = true;
  document.body.dataset.link = "live";
  draw();
}

async function lost() {
  if (document.body.dataset.link === "lost") return;
  live = false;
  document.body.dataset.link = "lost";
  draw();
  say(t("answer_lost"));
  if (zones.size) return;
  const { ok, body } = await api.zones().catch(() => ({ ok: false }));
  if (ok && !zones.size) {
    learn(body);
    draw();
  }
}

// --- pressing

function become(id, mine, phase, more = {}) {
  if (presses.get(id) !== mine) return;
  Object.assign(mine, { phase, ...more });
  if (phase === "lit" || (phase === "failed" && lit(zones.get(id).light))) presses.delete(id);
  draw();
}

async function press(id) {
  const zone = zones.get(id);
  const before = presses.get(id);
  if (!zone || before?.phase === "pressed") return;
  if (!mayPress(zone, clock.now())) {
    say("");
    requestAnimationFrame(() => say(spoken.get(id)));
    return;
  }
  const same = before?.phase === "unanswered" && performance.now() - before.at < SAME_PRESS;
  const mine = { phase: "pressed", key: same ? before.key : api.newKey(), at: performance.now() };
  presses.set(id, mine);
  draw();
  let answered;
  try {
    answered = await api.press(id, mine.key);
  } catch {
    return become(id, mine, "unanswered");
  }
  const { ok, body } = answered;
  if (mine.key !== before?.key) setClock(body); // an answer given again tells the time of the first
  if (ok) return watch(id, mine, body.lease);
  const retryAt = body.retry_at ? Date.parse(body.retry_at) : null;
  become(id, mine, "refused", { sentence: body.detail ?? t("note_refused"), retryAt });
}

/** Look at the lease until it is lit; a change of the zone makes us look at once. Late reports turn even failed to lit. */
async function watch(id, mine, lease) {
  const start = performance.now();
  const settle = () => {
    const slow = performance.now() - start > SLOW;
    const told = ["lit", "failed"].includes(lease.state) || (slow && lease.state === "partly");
    become(id, mine, told ? lease.state : "granted", { lease, slow });
  };
  settle();
  for (const wait of LOOKS) {
    if (lease.state === "lit") break;
    await new Promise((wake) => {
      mine.wake = wake;
      setTimeout(wake, wait);
    });
    if (presses.get(id) !== mine) return;
    const { ok, body } = await api.lease(lease.id).catch(() => ({ ok: false }));
    if (ok) lease = body.lease;
    settle();
  }
}

// --- wiring

for (const [id, card] of cards) {
  for (const control of ["dial", "again"]) part(control, card)?.addEventListener("click", () => press(id));
}

for (const button of document.querySelectorAll("[data-clock]")) {
  button.addEventListener("click", async () => {
    const { ok, body } = await api.setClock(JSON.parse(button.dataset.clock)).catch(() => ({ ok: false }));
    if (ok) setClock(body);
    write(part("demo-note"), ok ? "" : t("demo_failed"));
    draw();
  });
}

if (municipality && cards.size) {
  const stream = api.follow(Array.from(cards.keys()), { heard, lost });
  setInterval(() => document.hidden || draw(), 250);
  addEventListener("offline", lost);
  addEventListener("online", () => stream.restart());
  addEventListener("pageshow", (event) => event.persisted && stream.restart());
  document.addEventListener("visibilitychange", () => {
    if (document.hidden || clock.now() === null) return;
    if (Math.abs(Date.now() - performance.now() - slip) > CLOCK_SLIP) stream.restart();
    else draw();
  });
}
