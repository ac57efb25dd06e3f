// The file on the server: read, written with the revision that was seen; and its copy on this machine while the server
// does not have it yet.
import { csrfToken, takeTimeFrom } from "../server.js";

export class Conflict extends Error {
  constructor(told) {
    super("conflict");
    this.by = told.by ?? "";
    this.at = told.at ?? "";
    this.revision = told.revision;
  }
}

export class Refused extends Error {}

export class SignedOut extends Error {}

export class DraftFile {
  constructor({ fileUrl, findingsUrl, hereUrl, draft, path }) {
    this.url = fileUrl;
    this.hereUrl = hereUrl;
    this.findingsUrl = findingsUrl;
    this.path = path;
    this.name = path.split("/").pop();
    this.key = `studio:${draft}:${path}`;
    this.revision = "0";
  }

  // The text as it is stored, byte for byte; throws an EncodingError when it is not UTF-8.
  async read() {
    const response = await this.ask(this.url);
    this.revision = (response.headers.get("ETag") ?? "0").replace(/^W\//, "").replaceAll('"', "");
    const bytes = await response.arrayBuffer();
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      throw new DOMException("not UTF-8", "EncodingError");
    }
  }

  // Findings are asked for apart: a check takes its time, and what was written is safe before.
  async write(text) {
    const answer = await this.ask(`${this.url}?check=later`, {
      method: "PUT",
      body: new TextEncoder().encode(text),
      headers: { "If-Match": `"${this.revision}"`, "Content-Type": "application/octet-stream" },
    });
    const told = await answer.json();
    this.revision = String(told.revision);
  }

  async findings() {
    if (!this.findingsUrl) return [];
    const told = await (await this.ask(this.findingsUrl)).json();
    return told.findings ?? told;
  }

  // Who else has the draft open: [{name, path}].
  async here() {
    const answer = await this.ask(this.hereUrl, { method: "POST", body: new URLSearchParams({ path: this.path }) });
    return (await answer.json()).others;
  }

  async ask(url, { headers = {}, ...more } = {}) {
    const response = await fetch(url, {
      credentials: "same-origin",
      headers: { "X-CSRFToken": csrfToken(), "X-Requested-With": "fetch", ...headers },
      ...more,
    });
    takeTimeFrom(response.headers);
    if (response.ok) return response;
    if (response.status === 401) throw new SignedOut();
    const told = await response.json().catch(() => ({}));
    if (response.status === 409 && told.revision !== undefined) throw new Conflict(told);
    if (response.status < 500) throw new Refused(told.text ?? told.error ?? String(response.status));
    throw new Error(String(response.status));
  }

  // The copy on this machine: {text, revision, at} or null.
  kept() {
    try {
      return JSON.parse(localStorage.getItem(this.key));
    } catch {
      return null;
    }
  }

  keep(text, at) {
    try {
      localStorage.setItem(this.key, JSON.stringify({ text, revision: this.revision, at }));
    } catch {
      // Full or forbidden: what was promised is only that the page tries.
    }
  }

  forget() {
    try {
      localStorage.removeItem(this.key);
    } catch {
      // As above.
    }
  }
}
