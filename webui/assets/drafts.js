// Drafts save themselves: <form data-autosave-url="..."> posts what is typed a moment after the last change, and when
// the page is left. Where it stands is said in the form's [data-autosave-status].
import { now, post } from "./server.js";
import { words } from "./language.js";

const PAUSE = 1500;
const RETRY = 15000;

// `collect()` returns the FormData to save. Returns { changed(), stop() }.
export function autosave(form, collect) {
  const status = form.querySelector("[data-autosave-status]");
  let timer = 0;
  let pending = false;
  let stopped = false;

  function say(text, state) {
    if (!status) return;
    status.textContent = text;
    status.dataset.state = state;
  }

  async function save({ keepalive = false } = {}) {
    clearTimeout(timer);
    if (!pending || stopped) return;
    pending = false;
    say(words.draftSaving, "saving");
    try {
      await post(form.dataset.autosaveUrl, collect(), { keepalive });
      const clock = new Date(now()).toLocaleTimeString("zh-CN", { timeStyle: "short", timeZone: "Asia/Shanghai" });
      say(words.draftSaved(clock), "saved");
    } catch (error) {
      if (stopped) return;
      pending = true;
      say(words.draftFailed, "failed");
      timer = setTimeout(save, RETRY);
    }
  }

  document.addEventListener("visibilitychange", () => document.hidden && save({ keepalive: true }));
  addEventListener("pagehide", () => save({ keepalive: true }));

  return {
    changed() {
      if (stopped) return;
      pending = true;
      clearTimeout(timer);
      timer = setTimeout(save, PAUSE);
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

// Everything in a plain form but files, which a draft does not keep, and the token, which travels in a header.
export function textFields(form) {
  const fields = new FormData(form);
  for (const [name, value] of [...fields]) if (value instanceof File) fields.delete(name);
  fields.delete("csrf_token");
  return fields;
}

export function start(root = document) {
  for (const form of root.querySelectorAll("form[data-autosave-url]")) {
    if (form.dataset.autosaveReady || form.querySelector("[data-form-schema-id]")) continue;
    form.dataset.autosaveReady = "yes";
    const draft = autosave(form, () => textFields(form));
    form.addEventListener("input", draft.changed);
    form.addEventListener("change", draft.changed);
    form.addEventListener("submit", draft.stop);
  }
}
