// What to show of a zone: pure, from what the service said, the press under way, and the time.

import { confirmed, cost, left, minutes, names, t, time } from "./words.js";

const TIMED = new Set(["press", "local", "test", "override", "rescue"]);

/** Whether light is confirmed somewhere in the zone. */
export const lit = (light) => light.state === "lit" || light.state === "partly";
const LONGEST_HEAD = 60; // letters: three lines of a small phone, for which the page keeps room
const moment = (text) => (text ? Date.parse(text) : null);

/** When to press again, in whole minutes: one too late is no harm, one too early would be a second refusal. */
const retryTime = ({ press, timezone }, now) => time(Math.ceil(moment(press.retry_at) / 60_000) * 60_000, now, timezone);

/** Which drawing a zone's lamps get on the map: a circuit's lamps are not counted as facts. */
export function drawing(zone) {
  if (!zone) return "unknown";
  return zone.light.state === "lit" && zone.light.basis === "meter" ? "circuit" : zone.light.state;
}

const byDay = ({ press }) => !press.allowed && press.reason === "daylight";

function stateWord({ light, ...zone }) {
  if (light.state === "dark" && byDay(zone)) return t("state_off");
  if (light.state === "dark" && light.lamps_unknown) return t("state_dark_some");
  if (light.state === "lit" && light.level !== null && light.level < 100) return t("state_dimmed", { level: light.level });
  return t(`state_${light.state}`);
}

function stateLine(zone, now, live) {
  const { light, timezone } = zone;
  const word = () => stateWord(zone);
  const heard = moment(light.confirmed_at);
  if (light.state === "unknown") {
    if (heard === null) return t("state_silent");
    const at = time(heard, now, timezone);
    if (light.level === null) return t("state_last_heard", { time: at });
    return t("state_last", { time: at, state: t(light.level > 0 ? "last_on" : "last_off") });
  }
  if (!live) return t("state_stale", { time: time(heard ?? now, now, timezone), state: word() });
  return heard === null ? word() : confirmed(word(), now - heard);
}

function lampsLine(light) {
  if (light.state === "dark" && light.lamps_unknown) {
    const [n, total] = [light.lamps_unknown, light.lamps_total];
    return t(n === 1 ? "lamps_silent_one" : "lamps_silent", { n, total });
  }
  if (!lit(light)) return "";
  const values = { lit: light.lamps_lit, total: light.lamps_total, unknown: light.lamps_unknown };
  if (light.basis === "meter") return t(light.lamps_lit === null ? "lamps_circuit" : "lamps_meter", values);
  if (light.lamps_lit === null) return "";
  return t(light.lamps_unknown ? "lamps_report_unknown" : "lamps_report", values);
}

const retryCome = ({ press }, now) => press.retry_at !== null && moment(press.retry_at) <= now;

/** Whether a press may be tried: allowed, its time has come since, or the lamps may answer again. */
export function mayPress(zone, now) {
  return zone.press.allowed || zone.press.reason === "unreachable" || retryCome(zone, now);
}

function refusal(zone, now) {
  const { allowed, reason, sentence, retry_at } = zone.press;
  if (allowed || retryCome(zone, now)) return "";
  if (sentence) return sentence;
  if (reason === "already_lit" || reason === "unreachable") return t(`reason_${reason}`);
  return retry_at ? t(`reason_${reason}`, { time: retryTime(zone, now) }) : t("note_refused");
}

function noteOf(zone, now, press) {
  if (press?.phase === "granted") return t(press.slow ? "note_slow" : "note_granted");
  if (press?.phase === "partly" && zone.light.state !== "lit") {
    return t("note_partly", { confirmed: press.lease.outputs_confirmed, total: press.lease.outputs_total });
  }
  if (press?.phase === "failed") return t("note_failed");
  if (press?.phase === "unanswered") return t("note_no_answer");
  if (press?.phase === "refused" && !(press.retryAt !== null && press.retryAt <= now)) return press.sentence;
  return refusal(zone, now);
}

function dialOf(zone, now, press, live) {
  const { light, timezone } = zone;
  const may = mayPress(zone, now);
  const until = moment(light.until);
  if (press?.phase === "pressed") return { look: "busy", big: t("dial_pressed"), below: t("dial_pressed_small") };
  if (live && lit(light) && until !== null && TIMED.has(light.cause)) {
    const remaining = until - now;
    const by = t("dial_until", { time: time(until, now, timezone) });
    if (remaining <= 0) return { look: "count", big: t("dial_ending"), below: by, part: 0, label: by };
    const part = Math.min(1, remaining / (zone.press.minutes * 60_000));
    const above = t("dial_left");
    return { look: "count", above, big: left(remaining), below: by, more: t("dial_again", { n: zone.press.minutes }), part, label: by, again: may };
  }
  if (!live && lit(light) && until > now && TIMED.has(light.cause)) {
    const by = t("dial_until_stale", { time: time(until, now, timezone) });
    const more = may ? t("dial_again", { n: zone.press.minutes }) : "";
    return { look: may ? "press" : "not", big: by, below: t("dial_stale"), more, again: may };
  }
  if (press?.phase === "granted") return { look: "busy", big: t("dial_granted"), below: t("dial_granted_small") };
  if (may) {
    if (!zone.press.allowed && zone.press.reason === "unreachable") {
      return { look: "faint", big: t("dial_retry"), below: t("dial_retry_small") };
    }
    const longer = light.level === null || light.level === 100 ? "dial_longer" : "dial_brighter";
    return { look: "press", big: t(live && lit(light) ? longer : "dial_press"), below: minutes(zone.press.minutes) };
  }
  if (live && lit(light)) {
    return { look: "on", big: t("dial_on"), below: until && t("dial_until", { time: time(until, now, timezone) }) };
  }
  if (zone.press.retry_at === null) return { look: "not", big: t("dial_not") };
  return { look: "not", big: t("dial_from", { time: retryTime(zone, now) }), below: t("dial_from_small") };
}

/** Everything a zone's card shows; `latest` is the press under way or the last one, `live` false while the stream is down. */
export function zoneView(name, zone, now, latest, live) {
  const press = latest?.lease && moment(latest.lease.until) <= now ? undefined : latest;
  const dial = dialOf(zone, now, press, live);
  const note = noteOf(zone, now, press);
  return {
    state: stateLine(zone, now, live),
    lamps: live ? lampsLine(zone.light) : "",
    note,
    fault: note !== "" && ["failed", "partly", "unanswered"].includes(press?.phase),
    cost: note ? "" : cost(zone.press),
    dial,
    again: dial.again ? t("label_again", { minutes: minutes(zone.press.minutes) }) : "",
    may: mayPress(zone, now) && press?.phase !== "pressed",
    spoken: press?.phase === "pressed" ? `${name}: ${dial.big}` : [answerOne(name, zone, now), note].filter(Boolean).join(" "),
  };
}

function answerOne(name, zone, now) {
  const { light, timezone } = zone;
  const until = moment(light.until);
  if (lit(light) && until !== null && until > now) {
    return t(`answer_${light.state}_until`, { name, time: time(until, now, timezone) });
  }
  if (light.state === "dark" && byDay(zone)) return t("answer_day");
  if (light.state === "unknown" && light.confirmed_at === null) return t("answer_silent", { name });
  return t(`answer_${light.state}`, { name });
}

function nextLine(zone, now) {
  const { light, next_change: next, timezone } = zone;
  if (light.state === "unknown" && zone.press.allowed) return t("sub_unknown");
  if (!next || (light.state === "unknown" && !byDay(zone))) return "";
  const at = { time: time(moment(next.at), now, timezone) };
  if (next.level === 0) return lit(light) && !light.until ? t("next_dark", at) : "";
  const planned = lit(light) && !TIMED.has(light.cause);
  if (next.level < 100 && !byDay(zone)) return t(planned ? "next_dimmed" : "next_light_dimmed", at);
  if (lit(light)) return "";
  return t(byDay(zone) ? "next_light_today" : "next_light", at);
}

function answerAll(village, zones) {
  const groups = ["lit", "partly", "dark", "unknown"]
    .map((state) => ({ state, list: zones.filter(({ zone }) => zone.light.state === state).map(({ name }) => name) }))
    .filter(({ list }) => list.length);
  const [first] = groups;
  if (groups.length === 1 && first.state === "dark" && zones.every(({ zone }) => byDay(zone))) return t("answer_day");
  if (groups.length === 1 && first.state !== "partly") return t(`answer_all_${first.state}`, { name: village });
  const one = ({ state, list }) =>
    t(`answer_${state}${list.length > 1 ? "_many" : ""}`, { name: list[0], names: names(list) });
  const named = groups.map(one).join(" ");
  if (named.length <= LONGEST_HEAD) return named;
  const count = (state) => zones.filter(({ zone }) => zone.light.state === state).length;
  const counts = { lit: count("lit") + count("partly"), total: zones.length, unknown: count("unknown") };
  return t(counts.unknown ? "answer_counts_unknown" : "answer_counts", counts);
}

/** What can be done now: to press where any press is taken, else what all zones have in common. */
function subAll(zones, now) {
  const open = zones.filter(({ zone }) => mayPress(zone, now));
  if (open.some(({ zone }) => zone.light.state !== "unknown" && zone.press.reason !== "unreachable")) return t("sub_press");
  if (open.some(({ zone }) => zone.press.allowed)) return t("sub_unknown");
  const lines = new Set(zones.map(({ zone }) => nextLine(zone, now)));
  return lines.size === 1 ? [...lines][0] : "";
}

/** The answer at the top: is it lit, and for how long? `zones` and `hero` hold {name, zone}; there may be no hero. */
export function answer(village, zones, hero, now) {
  if (hero) return { head: answerOne(hero.name, hero.zone, now), sub: nextLine(hero.zone, now) };
  return { head: answerAll(village, zones), sub: subAll(zones, now) };
}

/** What stands there instead while the stream is down; `heard` is the time of the last word, or null. */
export function answerLost(heard, timezone) {
  const sub = heard === null ? t("sub_lost_early") : t("sub_lost", { time: time(heard, heard, timezone) });
  return { head: t("answer_lost"), sub };
}
