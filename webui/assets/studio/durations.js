// The length of a limit, found in the text of a timer: PT8H in `=delivered_at + duration("PT8H")`, or the text itself.
const ISO = /^P(?!$)(\d+W|(\d+Y)?(\d+M)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?)$/;
const CALL = /\bduration\(\s*"([^"]*)"\s*\)/g;

export const isDuration = (text) => ISO.test(text);

// Returns {text, start, end} or null: none, or several, so that it is not clear which one is meant.
export function durationIn(body = "") {
  const bare = body.trim();
  if (isDuration(bare)) return { text: bare, start: body.indexOf(bare), end: body.indexOf(bare) + bare.length };
  const calls = [...body.matchAll(CALL)].filter((call) => isDuration(call[1]));
  if (calls.length !== 1) return null;
  const start = calls[0].index + calls[0][0].indexOf(`"${calls[0][1]}"`) + 1;
  return { text: calls[0][1], start, end: start + calls[0][1].length };
}

export function withDuration(body, duration) {
  const found = durationIn(body);
  return found ? body.slice(0, found.start) + duration + body.slice(found.end) : body;
}
