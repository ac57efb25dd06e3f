// What all editors share: the file, autosave, conflicts, findings, the buttons above and the keys.
//
// An editor is {open(text), text(), mark(findings), choose(finding), undo(), redo(), find(), keys} and calls
// `changed` when something was done. text() may be a promise; it gives the file as it should be stored: byte for byte
// what was opened as long as nothing was changed.
import { now } from "../server.js";
import { ask, download, showKeys } from "./ask.js";
import { Conflict, DraftFile, Refused, SignedOut } from "./file.js";
import { FindingsList } from "./findings-list.js";
import { words } from "./words.js";

const QUIET = 1500;
const RETRY = 10000;
const PRESENCE = 20000;

const clock = (at) =>
  new Date(at).toLocaleString("zh-CN", { dateStyle: "short", timeStyle: "short", timeZone: "Asia/Shanghai" });

class Desk {
  constructor(root, make) {
    this.root = root;
    this.file = new DraftFile(root.dataset);
    this.readonly = root.hasAttribute("data-readonly") || matchMedia("(max-width: 767px)").matches;
    this.status = root.querySelector("[data-status]");
    this.timer = 0;
    this.turn = Promise.resolve();
    this.stored = null;
    this.editor = make(root, () => this.changed());
    this.presence = root.querySelector("[data-others]");
    this.list = new FindingsList(root.querySelector("#editor-findings"), this.file.path, (one) => this.editor.choose(one));
    this.listen();
  }

  say(state, text) {
    this.root.dataset.state = state;
    this.status.textContent = text;
  }

  async open() {
    const started = performance.now();
    this.say("loading", words.loading);
    let text;
    try {
      text = await this.file.read();
    } catch (error) {
      return this.say("failed", error.name === "EncodingError" ? words.unreadable : words.failed(error.message));
    }
    this.stored = text;
    await this.show(text);
    this.root.dataset.openMs = String(Math.round(performance.now() - started));
    this.stayHere();
    await this.offerKept();
    this.refreshFindings();
  }

  // Says every few seconds that this file is open here, and shows who else has the draft open.
  async stayHere() {
    if (!this.presence) return;
    setTimeout(() => this.stayHere(), PRESENCE);
    const others = await this.file.here().catch(() => []);
    this.presence.hidden = !others.length;
    this.presence.textContent = others
      .map(({ name, path }) => (path === this.file.path ? words.hereToo(name) : words.inDraft(name, path)))
      .join(" · ");
    this.presence.dataset.same = String(others.some(({ path }) => path === this.file.path));
  }

  async show(text) {
    this.silent = true;
    try {
      await this.editor.open(text);
      this.say("clean", words.clean);
      this.root.dataset.ready = "yes";
    } catch (error) {
      console.warn("editor:", error);
      this.say("failed", words.failed(error.message));
    } finally {
      this.silent = false;
    }
  }

  async offerKept() {
    const kept = this.file.kept();
    if (!kept || kept.text === this.stored || this.readonly) return this.file.forget();
    const answer = await ask(words.keptTitle, words.keptText(clock(kept.at)), [
      ["use", words.keptUse, "btn-primary"],
      ["download", words.downloadMine],
      ["drop", words.keptDrop, "btn-outline-danger"],
    ]);
    if (answer === "use") {
      this.file.revision = kept.revision;
      await this.show(kept.text);
      this.changed();
    } else if (answer === "download") {
      download(kept.text, this.file.name);
    } else if (answer === "drop") {
      this.file.forget();
    }
  }

  // Of several questions under way only the answer to the last is shown: it knows all that was saved.
  async refreshFindings() {
    const question = (this.question = (this.question ?? 0) + 1);
    this.list.wait();
    try {
      const findings = await this.file.findings();
      if (question === this.question) this.mark(findings);
    } catch (error) {
      if (question === this.question) this.list.unknown();
      console.warn("findings:", error);
    }
  }

  mark(findings) {
    const shown = this.list.show(findings);
    this.editor.mark(shown);
    // What is merely worth knowing does not take the room of the picture unasked.
    if (!this.listChosen) this.root.classList.toggle("findings-closed", shown.every((one) => one.severity === "info"));
    this.root.dataset.marked = String(Number(this.root.dataset.marked ?? 0) + 1);
  }

  changed() {
    if (this.silent || this.readonly || this.stored === null) return;
    if (this.root.dataset.state !== "conflict") this.say("dirty", words.dirty);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), QUIET);
  }

  // One save after the other; the last one sees all changes.
  save() {
    clearTimeout(this.timer);
    this.turn = this.turn.then(() => this.saveNow()).catch((error) => console.warn("save:", error));
    return this.turn;
  }

  async saveNow() {
    if (this.readonly || this.stored === null || this.root.dataset.state === "failed") return;
    const text = await this.editor.text();
    if (text === this.stored) {
      this.file.forget();
      return this.say("clean", this.at ? words.saved(this.at) : words.clean);
    }
    this.file.keep(text, now());
    this.say("saving", words.saving);
    try {
      await this.file.write(text);
      this.stored = text;
      this.file.forget();
      this.at = new Date(now()).toLocaleTimeString("zh-CN", { timeStyle: "medium", timeZone: "Asia/Shanghai" });
      const more = (await this.editor.text()) !== text;
      this.say(more ? "dirty" : "saved", more ? words.dirty : words.saved(this.at));
      if (more) this.changed();
      this.refreshFindings();
    } catch (error) {
      await this.notSaved(error, text);
    }
  }

  async notSaved(error, text) {
    if (error instanceof Conflict) {
      this.say("conflict", words.conflict);
      await this.settle(error, text);
    } else if (error instanceof Refused) {
      this.say("refused", words.refused(error.message));
    } else if (error instanceof SignedOut) {
      this.say("offline", words.signedOut);
      this.timer = setTimeout(() => this.save(), RETRY);
    } else {
      this.say("offline", words.offline);
      this.timer = setTimeout(() => this.save(), RETRY);
    }
  }

  async settle(conflict, text) {
    const who = conflict.by || words.someone;
    const answer = await ask(words.conflictTitle, words.conflictText(who, clock(conflict.at)), [
      ["theirs", words.takeTheirs],
      ["download", words.downloadMine],
      ["mine", words.overwrite, "btn-outline-danger"],
      ["", words.later],
    ]);
    if (answer === "download") {
      download(text, this.file.name);
      return this.settle(conflict, text);
    }
    if (answer === "theirs") {
      this.stored = await this.file.read();
      this.file.forget();
      await this.show(this.stored);
      return this.refreshFindings();
    }
    if (answer !== "mine") return undefined;
    const sure = await ask(words.overwrite, words.overwriteSure(who), [
      ["yes", words.overwriteYes, "btn-danger"],
      ["", words.later],
    ]);
    if (sure !== "yes") return this.settle(conflict, text);
    this.file.revision = String(conflict.revision);
    this.stored = "";
    return this.saveNow();
  }

  get unsaved() {
    return ["dirty", "saving", "offline", "conflict", "refused"].includes(this.root.dataset.state);
  }

  listen() {
    addEventListener("beforeunload", (event) => {
      if (this.unsaved) event.preventDefault();
    });
    document.addEventListener("visibilitychange", () => document.hidden && this.unsaved && this.save());
    addEventListener("online", () => this.root.dataset.state === "offline" && this.save());
    document.addEventListener("keydown", (event) => this.key(event), true);
    this.root.addEventListener("click", (event) => {
      const button = event.target.closest("[data-do]");
      if (button) this.do(button.dataset.do);
    });
    this.root.querySelector("[data-upload]")?.addEventListener("change", (event) => this.upload(event.target));
  }

  key(event) {
    const control = (event.ctrlKey || event.metaKey) && !event.altKey;
    const key = event.key.toLowerCase();
    const typing = event.target.closest?.("input, textarea, select, [contenteditable=true]");
    if (control && key === "s") this.do("save");
    else if (control && key === "f" && this.editor.find) this.do("find");
    else if (control && key === "z" && !typing) this.do(event.shiftKey ? "redo" : "undo");
    else if (control && key === "y" && !typing) this.do("redo");
    else if (event.key === "?" && !typing && !control) this.do("keys");
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  do(what) {
    if (what === "save") this.save();
    else if (what === "keys") showKeys([...this.commonKeys(), ...(this.editor.keys ?? [])]);
    else if (what === "download") Promise.resolve(this.editor.text()).then((text) => download(text, this.file.name));
    else if (what === "findings") this.toggleFindings();
    else this.editor[what]?.();
  }

  toggleFindings() {
    this.listChosen = true;
    this.root.classList.toggle("findings-closed");
  }

  commonKeys() {
    const { keys } = words;
    return [
      ["Ctrl+S", keys.save],
      ["Ctrl+Z", keys.undo],
      ["Ctrl+Y Ctrl+Shift+Z", keys.redo],
      ...(this.editor.find ? [["Ctrl+F", keys.find]] : []),
      ["?", keys.help],
    ];
  }

  // A file from Camunda Modeler or elsewhere in the place of this one; autosave and its findings follow.
  async upload(input) {
    const [chosen] = input.files;
    input.value = "";
    if (!chosen) return;
    const suffix = this.file.name.slice(this.file.name.lastIndexOf("."));
    if (!chosen.name.endsWith(suffix)) return this.say("refused", words.uploadWrong(suffix));
    const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(await chosen.arrayBuffer());
    await this.show(text);
    if (this.root.dataset.state !== "failed") this.changed();
    else await this.show(this.stored);
  }
}

export function start(make) {
  const root = document.getElementById("editor");
  if (!root) return null;
  const desk = new Desk(root, make);
  root.desk = desk;
  return desk.open();
}
