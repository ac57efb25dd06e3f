// The file that an XML editor has open: what was opened, what the library writes for it, and what to store.
import { isTheChange, patched } from "./xml-patch.js";

export class XmlSource {
  // `moddle`: of the editor's library; it reads the result back before it is stored.
  constructor(moddle, rootType) {
    this.moddle = moddle;
    this.rootType = rootType;
  }

  open(text, written) {
    this.opened = text;
    this.written = written;
    this.read = null;
  }

  // The file with the changes in it. Where the library would read something else out of it than it has in memory, its own
  // text is stored instead, and `rewritten` says so.
  async text(now) {
    this.rewritten = false;
    const merged = this.merge(now);
    if (merged === this.opened || (await this.isRight(merged, now))) return merged;
    console.warn("editor: the file is written afresh");
    this.rewritten = true;
    return now;
  }

  merge(now) {
    try {
      return patched(this.opened, this.written, now);
    } catch (error) {
      console.warn("editor:", error);
      return now;
    }
  }

  async isRight(merged, now) {
    try {
      this.read ??= await this.again(this.opened);
      return isTheChange(this.read, this.written, now, await this.again(merged));
    } catch {
      return false;
    }
  }

  async again(text) {
    const { rootElement } = await this.moddle.fromXML(text, this.rootType);
    return (await this.moddle.toXML(rootElement, { format: true })).xml;
  }
}
