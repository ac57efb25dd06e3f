// Writes what a person changed in a form into the JSON that was opened: what the editor's library adds or drops by itself
// stays out, or in. The same three texts as in xml-patch.js, as values.
const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

export const equal = (one, other) => {
  if (one === other) return true;
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((item, index) => equal(item, other[index]));
  }
  if (!isObject(one) || !isObject(other)) return false;
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => key in other && equal(one[key], other[key]));
};

const nameOf = (item) => (isObject(item) ? (item.id ?? item.key) : undefined);

// Which of `before` each item of `after` is: by id or key, else an equal one, else the one in its place.
function origins(before, after) {
  const free = new Set(before);
  const found = after.map((item) => {
    const name = nameOf(item);
    const same = name !== undefined && [...free].find((one) => nameOf(one) === name);
    if (same) free.delete(same);
    return same || undefined;
  });
  after.forEach((item, index) => {
    if (found[index]) return;
    const same = [...free].find((one) => equal(one, item));
    if (same === undefined) return;
    found[index] = same;
    free.delete(same);
  });
  after.forEach((item, index) => {
    const same = before[index];
    if (found[index] !== undefined || !free.has(same) || nameOf(item) !== undefined || !isObject(same)) return;
    found[index] = same;
    free.delete(same);
  });
  return found;
}

function merged(opened, before, after, whole) {
  if (equal(before, after) && !whole) return opened;
  if (Array.isArray(opened) && Array.isArray(before) && Array.isArray(after) && opened.length === before.length) {
    const from = origins(before, after);
    return after.map((item, index) => {
      const place = before.indexOf(from[index]);
      return place < 0 ? item : merged(opened[place], before[place], item, whole);
    });
  }
  if (!isObject(opened) || !isObject(before) || !isObject(after)) return after;
  const result = {};
  for (const key of Object.keys(opened)) {
    if (key in after) result[key] = key in before ? merged(opened[key], before[key], after[key], whole) : after[key];
    else if (!(key in before)) result[key] = opened[key];
  }
  for (const key of Object.keys(after)) {
    if (key in opened) continue;
    const added = key in before && equal(before[key], after[key]);
    // Rows hold by name together what stands side by side: once one is changed, all are needed.
    if (!added || (whole && (key === "layout" || key === "id"))) result[key] = after[key];
  }
  return result;
}

const places = (value) =>
  Array.isArray(value)
    ? value.map(places)
    : isObject(value)
      ? [value.id, value.layout, value.components ? places(value.components) : 0]
      : 0;

// Returns the text of `opened` with the changes between the values `before` and `after`, in the file's own indentation.
export function patchedJson(opened, before, after) {
  if (equal(before, after)) return opened;
  const value = JSON.parse(opened.replace(/^\ufeff/, ""));
  const moved = !equal(places(before.components ?? []), places(after.components ?? []));
  const [, indent = "  "] = /^\s*[{[]\r?\n([ \t]+)/.exec(opened) ?? [];
  const ending = /\s*$/.exec(opened)[0];
  const text = JSON.stringify(merged(value, before, after, moved), null, indent) + ending;
  return opened.includes("\r\n") ? text.replaceAll(/\r?\n/g, "\r\n") : text;
}
