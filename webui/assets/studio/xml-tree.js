// Reads XML into a tree that knows where in the text each piece stands, so that a change can be written into the text
// and the rest be left as it is, byte for byte. For well-formed XML: an editor has opened the file before.
const NAMED = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };
const XMLNS = "http://www.w3.org/2000/xmlns/";
const PREDEFINED = { xml: "http://www.w3.org/XML/1998/namespace", xmlns: XMLNS };
const ATTRIBUTE = /([^\s=/>]+)\s*=\s*("[^"]*"|'[^']*')/g;

export function decoded(text) {
  return text.replace(/&(#x[0-9a-f]+|#\d+|\w+);/gi, (whole, name) => {
    if (name[0] !== "#") return NAMED[name] ?? whole;
    const code = name[1].toLowerCase() === "x" ? parseInt(name.slice(2), 16) : parseInt(name.slice(1), 10);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

export function escapedText(text) {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

export function escapedValue(text) {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&#34;").replace(/[\n\r\t]/g, (c) => `&#${c.charCodeAt(0)};`);
}

// Where a DOCTYPE that begins at `at` ends: its internal subset may hold ">" itself.
function doctypeEnd(source, at) {
  let depth = 0;
  for (let i = at; i < source.length; i += 1) {
    if (source[i] === "[") depth += 1;
    else if (source[i] === "]") depth -= 1;
    else if (source[i] === ">" && depth === 0) return i + 1;
  }
  return source.length;
}

function tagEnd(source, at) {
  let quote = "";
  for (let i = at; i < source.length; i += 1) {
    if (quote) {
      if (source[i] === quote) quote = "";
    } else if (source[i] === '"' || source[i] === "'") quote = source[i];
    else if (source[i] === ">") return i + 1;
  }
  throw new Error("expected the end of a tag");
}

function split(name) {
  const colon = name.indexOf(":");
  return colon < 0 ? ["", name] : [name.slice(0, colon), name.slice(colon + 1)];
}

function openTag(source, start, end, parent) {
  const selfClosing = source[end - 2] === "/";
  const inside = source.slice(start + 1, end - (selfClosing ? 2 : 1));
  const name = /^[^\s/]+/.exec(inside)[0];
  const attributes = [];
  ATTRIBUTE.lastIndex = name.length;
  for (let found; (found = ATTRIBUTE.exec(inside)); ) {
    const valueStart = start + 1 + found.index + found[0].length - found[2].length + 1;
    attributes.push({
      name: found[1],
      value: decoded(found[2].slice(1, -1)),
      start: start + 1 + found.index,
      end: start + 1 + found.index + found[0].length,
      valueStart,
      valueEnd: valueStart + found[2].length - 2,
    });
  }
  const scope = Object.create(parent?.scope ?? PREDEFINED);
  for (const one of attributes) {
    if (one.name === "xmlns") scope[""] = one.value;
    else if (one.name.startsWith("xmlns:")) scope[one.name.slice(6)] = one.value;
  }
  for (const one of attributes) {
    const [prefix, local] = split(one.name);
    one.local = local;
    one.declares = one.name === "xmlns" || prefix === "xmlns";
    one.ns = one.declares ? XMLNS : prefix ? (scope[prefix] ?? prefix) : "";
  }
  const [prefix, local] = split(name);
  const ns = scope[prefix] ?? prefix;
  return { kind: "element", name, ns, local, attributes, scope, parent, children: [], start, openEnd: end, closeStart: end, end, selfClosing };
}

// Returns the document: {children, root}; an element is {kind: "element", name, ns, local, attributes, children, parent,
// scope (prefix -> address), start, openEnd, closeStart, end}; the others {kind: "text" | "cdata" | "comment" | "other"}.
export function parse(source) {
  const document = { kind: "document", children: [], scope: PREDEFINED, start: 0, end: source.length };
  let into = document;
  let at = 0;
  const piece = (kind, end, value = "") => {
    if (end > at) into.children.push({ kind, value, start: at, end, parent: into });
    at = end;
  };
  const until = (mark) => {
    const found = source.indexOf(mark, at);
    return found < 0 ? source.length : found + mark.length;
  };
  while (at < source.length) {
    const open = source.indexOf("<", at);
    if (open !== at) {
      const end = open < 0 ? source.length : open;
      piece("text", end, decoded(source.slice(at, end)));
    } else if (source.startsWith("<!--", at)) {
      const end = until("-->");
      piece("comment", end, source.slice(at + 4, end - 3));
    } else if (source.startsWith("<![CDATA[", at)) {
      const end = until("]]>");
      piece("cdata", end, source.slice(at + 9, end - 3));
    } else if (source.startsWith("<?", at)) {
      piece("other", until("?>"));
    } else if (source.startsWith("<!", at)) {
      piece("other", doctypeEnd(source, at));
    } else if (source[at + 1] === "/") {
      if (into === document) throw new Error("expected no closing tag here");
      into.closeStart = at;
      into.end = at = until(">");
      into = into.parent;
    } else {
      const end = tagEnd(source, at);
      const element = openTag(source, at, end, into);
      into.children.push(element);
      if (into === document) document.root ??= element;
      at = end;
      if (!element.selfClosing) into = element;
    }
  }
  if (into !== document || !document.root) throw new Error("expected every tag to be closed");
  return document;
}

export const elements = (node) => node.children.filter((child) => child.kind === "element");

export function textOf(node) {
  const text = node.children
    .filter((child) => child.kind === "text" || child.kind === "cdata")
    .map((child) => child.value)
    .join("");
  return text.trim() === "" && (elements(node).length || !text) ? "" : text;
}

export function attribute(node, ns, local) {
  return node.attributes.find((one) => one.local === local && one.ns === ns && !one.declares);
}

export const idOf = (node) => attribute(node, "", "id")?.value;

const said = (node) =>
  node.attributes
    .filter((one) => !one.declares)
    .map((one) => `${one.ns}|${one.local}=${JSON.stringify(one.value)}`)
    .sort()
    .join(" ");

// What an element says, whatever prefixes, order of attributes and white space it is written with.
export function canonical(node) {
  if (node.canonical === undefined) {
    const inside = elements(node).map(canonical);
    const text = inside.length ? textOf(node).trim() : textOf(node);
    node.canonical = `{${node.ns}|${node.local} ${said(node)}>${JSON.stringify(text)}${inside.join("")}}`;
  }
  return node.canonical;
}

// The same in single facts, whatever order elements with an id stand in: libraries sort these as they are drawn.
export function facts(node, key = "", found = new Set()) {
  const here = idOf(node) === undefined ? key : `#${node.ns}|${node.local}#${idOf(node)}`;
  found.add(`${here} in ${key.slice(0, key.lastIndexOf("/"))}`);
  for (const one of node.attributes) {
    if (!one.declares) found.add(`${here} @${one.ns}|${one.local}=${one.value}`);
  }
  const inside = elements(node);
  const text = inside.length ? textOf(node).trim() : textOf(node);
  if (text) found.add(`${here} =${text}`);
  const counts = new Map();
  for (const child of inside) {
    const name = `${child.ns}|${child.local}`;
    const count = idOf(child) === undefined ? (counts.get(name) ?? 0) : "";
    if (count !== "") counts.set(name, count + 1);
    facts(child, `${here}/${name}${count}`, found);
  }
  return found;
}
