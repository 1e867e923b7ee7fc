// Times as their reader's clock shows them. https://docs.slack.dev/messaging/formatting-message-text#date-formatting

const HALF_A_YEAR = 183 * 86_400_000;
const LANGUAGE = "en-US"; // of Slack's words; the zone and the 12 or 24 hours are the reader's

const format = (date, options, language = LANGUAGE) => new Intl.DateTimeFormat(language, options).format(date);
const hour12 = new Intl.DateTimeFormat(undefined, { hour: "numeric" }).resolvedOptions().hour12 ?? true;

/** The time of day, such as "2:03 PM". */
export const timeOfDay = (date) => format(date, { hour: "numeric", minute: "2-digit", hour12 });

/** The whole moment, such as "Saturday, July 25, 2026 at 2:03 PM GMT+2". */
export const fullMoment = (date) =>
  format(date, { dateStyle: "full" }) + " at " + format(date, { hour: "numeric", minute: "2-digit", hour12, timeZoneName: "short" });

/** The heading over a day's messages: "Today", "Yesterday" or "Saturday, July 25th". */
export const dayName = (date) => capitalize(nearby(date)) ?? withWeekday(date);

/** Whether two moments are of one day here. */
export const sameDay = (one, other) => format(one, { dateStyle: "short" }) === format(other, { dateStyle: "short" });

/** What `<!date^seconds^template|fallback>` shows; the fallback where the seconds or the template can't be read. */
export function formatDate(seconds, template, fallback) {
  const date = new Date(Number(seconds) * 1000);
  if (!template || Number.isNaN(date.getTime())) return fallback;
  let unknown = false;
  const text = template.replace(/\{(\w+)\}/g, (_, token) => {
    if (Object.hasOwn(TOKENS, token)) return TOKENS[token](date);
    unknown = true;
    return "";
  });
  return unknown ? fallback : text;
}

const long = (date) => `${format(date, { month: "long" })} ${ordinal(date)}${isClear(date) ? "" : `, ${date.getFullYear()}`}`;
const short = (date) => format(date, { month: "short", day: "numeric", year: isClear(date) ? undefined : "numeric" });
const withWeekday = (date) => `${format(date, { weekday: "long" })}, ${long(date)}`;

const TOKENS = {
  date_num: (date) => [date.getFullYear(), date.getMonth() + 1, date.getDate()].map((n) => String(n).padStart(2, "0")).join("-"),
  date: long,
  date_short: short,
  date_long: withWeekday,
  date_pretty: (date) => nearby(date) ?? long(date),
  date_short_pretty: (date) => nearby(date) ?? short(date),
  date_long_pretty: (date) => nearby(date) ?? withWeekday(date),
  time: timeOfDay,
  time_secs: (date) => format(date, { hour: "numeric", minute: "2-digit", second: "2-digit", hour12 }),
  ago: (date) => ago((Date.now() - date.getTime()) / 1000),
};

/** Whether a date is clear without its year. */
const isClear = (date) => Math.abs(Date.now() - date.getTime()) < HALF_A_YEAR;

function nearby(date) {
  for (const [name, days] of [["today", 0], ["yesterday", -1], ["tomorrow", 1]]) {
    const day = new Date();
    day.setDate(day.getDate() + days); // not by hours: some days have 23 of them, or 25
    if (sameDay(date, day)) return name;
  }
  return null;
}

function ago(seconds) {
  const units = [["day", 86_400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= size) ?? units.at(-1);
  return new Intl.RelativeTimeFormat(LANGUAGE, { numeric: "auto" }).format(-Math.round(seconds / size), unit);
}

function ordinal(date) {
  const day = date.getDate();
  const ending = { one: "st", two: "nd", few: "rd", other: "th" }[new Intl.PluralRules(LANGUAGE, { type: "ordinal" }).select(day)];
  return `${day}${ending}`;
}

const capitalize = (word) => word && word[0].toUpperCase() + word.slice(1);
