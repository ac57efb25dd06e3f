// The editor of text files: regulation.toml and whatever else a bundle holds.
import { defaultKeymap, history, historyKeymap, indentWithTab, redo, redoDepth, undo, undoDepth } from "@codemirror/commands";
import { HighlightStyle, StreamLanguage, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, setDiagnostics } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { ask } from "./ask.js";
import { start } from "./desk.js";
import { said } from "./findings-list.js";
import { words } from "./words.js";

// TOML, as far as colours need it: [headings], keys, "texts" and # remarks.
const toml = StreamLanguage.define({
  token(stream) {
    if (stream.sol()) {
      stream.eatSpace();
      if (stream.match(/\[\[?[^\]]*\]\]?/)) return "heading";
      if (stream.match(/[\w."-]+(?=\s*=)/)) return "propertyName";
    }
    if (stream.match(/#.*/)) return "comment";
    if (stream.match(/"(\\.|[^"\\])*"|'[^']*'/)) return "string";
    if (stream.match(/\b(true|false|[\d.]+)\b/)) return "number";
    stream.next();
    return null;
  },
});

const colours = HighlightStyle.define([
  { tag: tags.heading, color: "#1d4e89", fontWeight: "600" },
  { tag: tags.propertyName, color: "#7a2608" },
  { tag: tags.string, color: "#1b6b3a" },
  { tag: tags.comment, color: "#5b6472" },
  { tag: tags.number, color: "#9a4a00" },
]);

class TextEditor {
  constructor(root, changed) {
    this.root = root;
    this.changed = changed;
    this.sought = "";
    this.view = new EditorView({ parent: root.querySelector("#editor-canvas") });
  }

  open(text) {
    // Line ends stay as they are in the file.
    this.opened = text;
    this.returns = text.includes("\r\n") && !/[^\r]\n/.test(text);
    const readonly = this.root.hasAttribute("data-readonly");
    this.view.setState(
      EditorState.create({
        doc: text,
        extensions: [
          lineNumbers(),
          history(),
          drawSelection(),
          highlightActiveLine(),
          lintGutter(),
          ...(this.root.dataset.path.endsWith(".toml") ? [toml, syntaxHighlighting(colours)] : []),
          keymap.of([...defaultKeymap, ...historyKeymap, indentWithTab]),
          EditorView.lineWrapping,
          EditorState.readOnly.of(readonly),
          EditorView.contentAttributes.of({ "aria-label": this.root.dataset.path }),
          EditorView.updateListener.of((update) => {
            this.offerSteps();
            if (update.docChanged) this.changed();
          }),
        ],
      }),
    );
    this.read = this.view.state.doc;
  }

  // The same text as before, not merely an equal one, is what was opened: a file with mixed line ends keeps them.
  text() {
    if (this.view.state.doc.eq(this.read)) return this.opened;
    return this.view.state.doc.sliceString(0, undefined, this.returns ? "\r\n" : "\n");
  }

  mark(findings) {
    const { doc } = this.view.state;
    const diagnostics = findings
      .filter((one) => one.line >= 1 && one.line <= doc.lines)
      .map((one) => {
        const line = doc.line(one.line);
        return { from: line.from, to: line.to, severity: one.severity, message: said(one) };
      });
    this.view.dispatch(setDiagnostics(this.view.state, diagnostics));
  }

  choose({ line }) {
    const { doc } = this.view.state;
    if (line >= 1 && line <= doc.lines) this.go(doc.line(line).from, doc.line(line).to);
  }

  go(from, to) {
    this.view.dispatch({ selection: { anchor: from, head: to }, effects: EditorView.scrollIntoView(from, { y: "center" }) });
    this.view.focus();
  }

  async find() {
    const input = document.createElement("input");
    input.className = "form-control";
    input.value = this.sought;
    input.setAttribute("aria-label", words.find);
    input.addEventListener("keydown", (event) => event.key === "Enter" && input.closest("dialog").close("find"));
    const answer = await ask(words.find, "", [["find", words.find, "btn-primary"], ["", words.close]], input);
    if (answer !== "find" || !input.value) return;
    this.sought = input.value;
    const text = this.view.state.doc.toString();
    const from = this.view.state.selection.main.to;
    const at = text.indexOf(this.sought, from);
    const found = at < 0 ? text.indexOf(this.sought) : at;
    if (found >= 0) this.go(found, found + this.sought.length);
    else await ask(words.findNone, this.sought, [["", words.close, "btn-primary"]]);
  }

  offerSteps() {
    for (const [what, depth] of [["undo", undoDepth], ["redo", redoDepth]]) {
      const button = this.root.querySelector(`[data-do=${what}]`);
      if (button) button.disabled = !depth(this.view.state);
    }
  }

  undo() {
    undo(this.view);
  }

  redo() {
    redo(this.view);
  }
}

start((root, changed) => new TextEditor(root, changed));
