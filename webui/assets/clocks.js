// Running limits: <time class="clock" data-due="2026-03-02T08:00:00Z" data-soon="..." data-met="...">.
//
// data-due   the due instant; the text becomes "剩余 2小时05分" or "超时 14分", counted on the server's clock
// data-soon  from this instant on the limit is shown as soon due; without it, in the last hour
// data-met   the limit is over: the server's own text stays
import { now } from "./server.js";
import { words } from "./language.js";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const LEVELS = ["clock-ok", "clock-soon", "clock-overdue"];

// Returns the wording of a span of whole seconds >= 0. Seconds are shown in the last ten minutes before the due instant
// only: after it they would be noise.
export function span(seconds, overdue = false) {
  const days = Math.floor(seconds / DAY);
  const hours = Math.floor((seconds % DAY) / HOUR);
  const minutes = Math.floor((seconds % HOUR) / MINUTE);
  if (days) return words.days(days, hours);
  if (hours) return words.hours(hours, minutes);
  if (minutes >= 10 || (overdue && minutes)) return words.minutes(minutes);
  if (minutes) return words.minutesSeconds(minutes, seconds % MINUTE);
  return words.seconds(seconds);
}

export function wording(due, at) {
  const seconds = Math.floor(Math.abs(due - at) / 1000);
  return at > due ? `${words.late} ${span(seconds, true)}` : `${words.left} ${span(seconds)}`;
}

export function level(due, soon, at) {
  if (at > due) return "clock-overdue";
  return at >= (Number.isNaN(soon) ? due - HOUR * 1000 : soon) ? "clock-soon" : "clock-ok";
}

export function refresh(root = document, at = now()) {
  for (const element of root.querySelectorAll("[data-due]:not([data-met])")) {
    const due = Date.parse(element.dataset.due);
    if (Number.isNaN(due)) continue;
    const text = wording(due, at);
    if (element.textContent !== text) element.textContent = text;
    const current = level(due, Date.parse(element.dataset.soon ?? ""), at);
    if (!element.classList.contains(current)) {
      element.classList.remove(...LEVELS);
      element.classList.add(current);
    }
  }
}

export function start() {
  refresh();
  setInterval(() => {
    if (!document.hidden) refresh();
  }, 1000);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) refresh();
  });
}
