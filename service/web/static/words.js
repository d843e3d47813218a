// Sentences, times and amounts in the reader's language.

const texts = JSON.parse(document.body.dataset.texts);
const lang = document.documentElement.lang;
const DAY = 86_400_000;

export const t = (key, values = {}) => texts[key].replace(/\{(\w+)\}/g, (_, word) => values[word]);

export const number = (value, options) => new Intl.NumberFormat(lang, options).format(value);

/** Local time of a zone, with the weekday where it is not within the next or last 18 hours. */
export function time(at, now, timeZone) {
  const far = Math.abs(at - now) > (18 / 24) * DAY;
  const parts = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone };
  return new Intl.DateTimeFormat(lang, far ? { weekday: "short", ...parts } : parts).format(at);
}

/** What is left, as m:ss, or h:mm:ss from an hour on. */
export function left(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const pad = (value) => String(value).padStart(2, "0");
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`;
}

export const minutes = (n) => t(n === 1 ? "minutes_one" : "minutes_many", { n });

/** "dark, confirmed 2 min ago". */
export function confirmed(state, ms) {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return t("confirmed_now", { state });
  if (minutes < 60) return t("confirmed_minutes", { state, n: minutes });
  if (minutes < 48 * 60) return t("confirmed_hours", { state, n: Math.floor(minutes / 60) });
  return t("confirmed_days", { state, n: Math.floor(ms / DAY) });
}

export function names(list) {
  if (list.length === 1) return list[0];
  return t("and", { some: list.slice(0, -1).join(", "), last: list.at(-1) });
}

export function cost({ minutes: n, cost }) {
  if (!cost) return "";
  const kilo = cost.wh >= 1000;
  const energy = `${number(kilo ? cost.wh / 1000 : cost.wh, { maximumSignificantDigits: 3 })}\u00a0${kilo ? "kWh" : "Wh"}`;
  if (cost.money === null || cost.money === undefined) return t("cost_energy", { minutes: minutes(n), energy });
  const value = Number(cost.money);
  const money =
    value > 0 && value < 0.01
      ? t("cost_cent")
      : number(value, { style: "currency", currency: cost.currency });
  return t("cost", { minutes: minutes(n), money, energy });
}
