// Writes what a person changed into the text that was opened, and nothing else.
//
// Three texts: `opened` (the file), `before` (what the editor's library writes for it when nothing is changed) and `after`
// (what it writes now). What differs between `before` and `after` was changed by the person; what differs between
// `opened` and `before` is the library's own way of writing, or something it does not know and drops: comments,
// processing instructions, CDATA, attributes and elements of other vendors. That stays as it was opened.
import { attribute, canonical, elements, escapedText, escapedValue, facts, idOf, parse, textOf } from "./xml-tree.js";

const XSI = "http://www.w3.org/2001/XMLSchema-instance";

const kindOf = (node) => `${node.ns}|${node.local}`;

// Pairs the children of two versions of an element: by id, then equal ones, then those of one name in their order.
function paired(left, right) {
  const pairs = new Map();
  const free = new Set(right);
  const take = (one, other) => {
    pairs.set(one, other);
    free.delete(other);
  };
  const match = (same) => {
    for (const one of left) {
      if (pairs.has(one)) continue;
      for (const other of free) {
        if (kindOf(one) === kindOf(other) && same(one, other)) {
          take(one, other);
          break;
        }
      }
    }
  };
  match((one, other) => idOf(one) !== undefined && idOf(one) === idOf(other));
  match((one, other) => idOf(one) === idOf(other) && canonical(one) === canonical(other));
  match((one, other) => attribute(one, "", "name")?.value === attribute(other, "", "name")?.value && idOf(one) === idOf(other));
  match((one, other) => idOf(one) === undefined && idOf(other) === undefined);
  return pairs;
}

class Patch {
  constructor(opened, before, after) {
    this.source = opened;
    this.document = parse(opened);
    this.before = parse(before).root;
    this.after = parse(after).root;
    this.origin = new Map(); // element of `before` -> the one of the file
    this.known = new Map(); // id -> element of `before`
    this.missing = new Map(); // prefix -> address, to be declared at the root
    if (kindOf(this.before) !== kindOf(this.document.root)) throw new Error("expected the same root element");
    this.trace(this.document.root, this.before);
  }

  trace(opened, before) {
    this.origin.set(before, opened);
    const id = idOf(before);
    if (id !== undefined) this.known.set(`${kindOf(before)}#${id}`, before);
    for (const [one, other] of paired(elements(opened), elements(before))) this.trace(one, other);
  }

  text() {
    const { root } = this.document;
    let written = this.element(this.before, this.after);
    if (this.missing.size) {
      const at = root.name.length + 1;
      const said = [...this.missing].map(([prefix, address]) => ` xmlns:${prefix}="${escapedValue(address)}"`).join("");
      written = written.slice(0, at) + said + written.slice(at);
    }
    return this.source.slice(0, root.start) + written + this.source.slice(root.end);
  }

  // The element `before` of the file, as it is `after`.
  element(before, after) {
    const opened = this.origin.get(before);
    if (canonical(before) === canonical(after)) return this.source.slice(opened.start, opened.end);
    const tag = this.tag(opened, before, after);
    const inside = this.inside(opened, before, after);
    return inside === "" ? `${tag}/>` : `${tag}>${inside}</${opened.name}>`;
  }

  tag(opened, before, after) {
    let written = `<${opened.name}`;
    let at = opened.start + written.length;
    const kept = new Set();
    for (const one of opened.attributes) {
      const space = this.source.slice(at, one.start);
      at = one.end;
      const was = !one.declares && attribute(before, one.ns, one.local);
      const is = !one.declares && attribute(after, one.ns, one.local);
      if (is) kept.add(`${is.ns}|${is.local}`);
      if (was && !is) continue;
      if (is && is.value !== was?.value) written += `${space}${one.name}="${escapedValue(this.value(is, after, opened))}"`;
      else written += space + this.source.slice(one.start, one.end);
    }
    for (const one of after.attributes) {
      if (one.declares || kept.has(`${one.ns}|${one.local}`)) continue;
      if (attribute(before, one.ns, one.local)?.value === one.value) continue; // the library's, not the person's
      written += ` ${this.qualified(one, opened, true)}="${escapedValue(this.value(one, after, opened))}"`;
    }
    return written;
  }

  inside(opened, before, after) {
    const olds = elements(before);
    const news = elements(after);
    const toBefore = paired(elements(opened), olds);
    const toAfter = paired(olds, news);
    const fromBefore = new Map([...toAfter].map(([one, other]) => [other, one]));
    if (!elements(opened).length && !news.length) return this.bare(opened, before, after);
    const segments = this.segments(opened);
    const order = olds.filter((one) => toAfter.has(one)).map((one) => news.indexOf(toAfter.get(one)));
    const moved = order.some((place, index) => index > 0 && place < order[index - 1]);
    const written = []; // {of: element of `after` or null, text}
    for (const { lead, element } of segments.list) {
      const old = toBefore.get(element);
      const now = old && toAfter.get(old);
      if (!old) written.push({ of: null, text: lead + this.source.slice(element.start, element.end) });
      else if (now) written.push({ of: now, text: lead + this.element(old, now) });
      else if (lead.trim()) written.push({ of: null, text: lead.trimEnd() });
    }
    if (moved) this.reorder(written, news);
    const indent = segments.list.length ? /\s*$/.exec(segments.list[0].lead)[0] : this.indent(opened);
    news.forEach((now, index) => {
      if (written.some((one) => one.of === now)) return;
      const old = fromBefore.get(now);
      if (old && canonical(old) === canonical(now)) return; // only the library writes it
      const earlier = new Set(news.slice(0, index));
      let place = written.length;
      while (place > 0 && !earlier.has(written[place - 1].of)) place -= 1;
      written.splice(place, 0, { of: now, text: indent + this.moved(now, opened, indent) });
    });
    const tail = segments.list.length ? segments.tail : this.indent(opened.parent);
    return written.length ? written.map((one) => one.text).join("") + tail : segments.tail.trim() && segments.tail;
  }

  // Text only: in the file's own way of writing it.
  bare(opened, before, after) {
    const text = textOf(after);
    if (textOf(before) === text) return this.source.slice(opened.openEnd, opened.closeStart);
    const comments = opened.children.filter((child) => child.kind === "comment" || child.kind === "other");
    const kept = comments.map((child) => this.source.slice(child.start, child.end)).join("");
    const boxed = opened.children.some((child) => child.kind === "cdata");
    return kept + (boxed ? `<![CDATA[${text.replaceAll("]]>", "]]]]><![CDATA[>")}]]>` : escapedText(text));
  }

  // The child elements of the file, each with what stands before it; then what follows the last.
  segments(opened) {
    const list = [];
    let at = opened.openEnd;
    for (const element of elements(opened)) {
      list.push({ lead: this.source.slice(at, element.start), element });
      at = element.end;
    }
    return { list, tail: this.source.slice(at, opened.closeStart) };
  }

  // What the library does not know stays behind the neighbour that it followed.
  reorder(written, news) {
    const groups = [];
    for (const one of written) {
      if (one.of || !groups.length) groups.push([one]);
      else groups.at(-1).push(one);
    }
    const place = (group) => (group[0].of ? news.indexOf(group[0].of) : -1);
    groups.sort((one, other) => place(one) - place(other));
    written.splice(0, written.length, ...groups.flat());
  }

  // An element that is new here: brought from elsewhere in the file, or written afresh.
  moved(now, into, indent) {
    const id = idOf(now);
    const before = id === undefined ? undefined : this.known.get(`${kindOf(now)}#${id}`);
    return this.origin.has(before) ? this.element(before, now) : this.fresh(now, into, indent);
  }

  fresh(now, into, indent) {
    const name = this.qualified(now, into);
    const said = now.attributes
      .filter((one) => !one.declares)
      .map((one) => ` ${this.qualified(one, into, true)}="${escapedValue(this.value(one, now, into))}"`)
      .join("");
    const children = elements(now);
    const deeper = indent && `${indent}  `;
    const inside = children.length
      ? children.map((child) => deeper + this.moved(child, into, deeper)).join("") + indent
      : escapedText(textOf(now));
    return inside === "" ? `<${name}${said} />` : `<${name}${said}>${inside}</${name}>`;
  }

  // White space before a child of an element that had none.
  indent(opened) {
    let depth = 0;
    for (let one = opened; one && one.kind === "element"; one = one.parent) depth += 1;
    return `\n${"  ".repeat(depth)}`;
  }

  // The name of an element or attribute of `after`, with the file's own prefix for its address.
  qualified(node, into, isAttribute = false) {
    if (isAttribute && node.ns === "") return node.local;
    const wanted = node.name.includes(":") ? node.name.split(":")[0] : "";
    const prefix = this.prefix(node.ns, wanted, into, isAttribute);
    return prefix ? `${prefix}:${node.local}` : node.local;
  }

  prefix(address, wanted, into, needed) {
    const scope = into.scope;
    const usable = (prefix) => scope[prefix] === address && !(needed && prefix === "");
    if (usable(wanted)) return wanted;
    for (const prefix in scope) if (usable(prefix)) return prefix;
    for (const [prefix, known] of this.missing) if (known === address) return prefix;
    let name = wanted || "ns";
    for (let count = 0; name in scope || this.missing.has(name); count += 1) name = `${wanted || "ns"}${count}`;
    this.missing.set(name, address);
    return name;
  }

  // The value of xsi:type holds a prefix too.
  value(one, owner, into) {
    if (one.ns !== XSI || one.local !== "type" || !one.value.includes(":")) return one.value;
    const [prefix, local] = one.value.split(":");
    const address = owner.scope[prefix];
    if (address === undefined) return one.value;
    const ours = this.prefix(address, prefix, into, false);
    return ours ? `${ours}:${local}` : local;
  }
}

// Returns `opened` with the changes between `before` and `after`. Throws when one of them is not well-formed XML.
export function patched(opened, before, after) {
  if (before === after) return opened;
  if (canonical(parse(before).root) === canonical(parse(after).root)) return opened;
  return new Patch(opened, before, after).text();
}

// Whether `result` is `opened` with the changes between `before` and `after`, and nothing besides: all four as the library
// reads and writes them.
export function isTheChange(opened, before, after, result) {
  const [was, base, now, is] = [opened, before, after, result].map((text) => facts(parse(text).root));
  const added = [...now].filter((fact) => !base.has(fact));
  const removed = new Set([...base].filter((fact) => !now.has(fact)));
  return (
    added.every((fact) => is.has(fact)) &&
    [...removed].every((fact) => !is.has(fact)) &&
    [...was].every((fact) => removed.has(fact) || is.has(fact)) &&
    [...is].every((fact) => was.has(fact) || now.has(fact))
  );
}
