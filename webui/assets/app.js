// Every page: htmx, running limits, confirmations, drafts, the count of new tasks.
import "htmx.org/dist/htmx.esm.js";
import * as actions from "./actions.js";
import * as clocks from "./clocks.js";
import * as dialogs from "./dialogs.js";
import * as drafts from "./drafts.js";
import * as unread from "./unread.js";
import { csrfToken, takeTimeFrom } from "./server.js";
import { words } from "./language.js";

document.addEventListener("htmx:config:request", (event) => {
  event.detail.ctx.request.headers["X-CSRFToken"] = csrfToken();
});
document.addEventListener("htmx:after:request", (event) => takeTimeFrom(event.detail.ctx.response?.headers));
document.addEventListener("htmx:after:swap", () => {
  clocks.refresh();
  drafts.start();
});
// No answer at all: what the person did is not done, so say so.
document.addEventListener("htmx:error", () => {
  const messages = document.getElementById("messages");
  if (!messages) return;
  const alert = document.createElement("div");
  alert.className = "alert alert-danger";
  alert.setAttribute("role", "alert");
  alert.textContent = words.requestFailed;
  messages.replaceChildren(alert);
});

actions.start();
dialogs.start();
clocks.start();
drafts.start();
unread.start();

// A table that is wider than its place is scrolled with the keyboard too: it must take the focus.
function reachable() {
  for (const box of document.querySelectorAll(".table-responsive, .diagram-canvas, pre")) {
    if (box.scrollWidth > box.clientWidth && !box.hasAttribute("tabindex")) box.tabIndex = 0;
  }
}
addEventListener("load", reachable);
document.addEventListener("htmx:after:swap", reachable);
