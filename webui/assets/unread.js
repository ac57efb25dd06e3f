// <span data-unread-url="/inbox/unread"></span>: the number of new tasks, asked for every minute while the page is seen.
// The answer is {"unread": 3}; 0 hides the mark.
import { takeTimeFrom } from "./server.js";

const EVERY = 60000;
const title = document.title;

export function show(count) {
  for (const mark of document.querySelectorAll("[data-unread-url]")) {
    mark.hidden = !count;
    mark.textContent = count > 99 ? "99+" : String(count);
  }
  document.title = count ? `(${count}) ${title}` : title;
}

async function ask(url) {
  if (document.hidden) return;
  const response = await fetch(url, { credentials: "same-origin", headers: { "X-Requested-With": "fetch" } });
  takeTimeFrom(response.headers);
  if (response.ok) show((await response.json()).unread);
}

export function start() {
  const url = document.querySelector("[data-unread-url]")?.dataset.unreadUrl;
  if (!url) return;
  // A lost connection is seen by the person at the next click; the count just stays as it was.
  const quietly = () => ask(url).catch((error) => console.info("unread:", error.message));
  setInterval(quietly, EVERY);
  document.addEventListener("visibilitychange", quietly);
}
