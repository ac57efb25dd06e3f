// Evaluates a batch with feelin: JSON on standard input, JSON on standard output. See tests/support/feelin_batch.py.
// {items: [{kind: "expression" | "tests", text, variables, input}]} gives [{value} | {syntax} ...], one an item;
// {time: {text, variables, rounds}} gives the seconds of one evaluation, the best of forty runs.
import { evaluate, unaryTest, isFunction, isRange, FeelDate, FeelDateTime, FeelDuration, FeelTime } from "feelin";
import { readFileSync } from "node:fs";

// What JSON cannot say is tagged: {"$": kind, ...}.
function tagged(value) {
  if (value instanceof FeelDate) return { $: "date", text: value.iso };
  if (value instanceof FeelTime) return { $: "time", text: value.iso };
  if (value instanceof FeelDateTime) return { $: "date and time", text: value.iso };
  if (value instanceof FeelDuration) return { $: "duration", text: value.iso };
  if (isFunction(value) || typeof value === "function") return { $: "function" };
  if (isRange(value)) {
    const ends = [value["start included"], value["end included"]];
    return { $: "range", ends, start: tagged(value.start), end: tagged(value.end) };
  }
  if (typeof value === "number" && !Number.isFinite(value)) return { $: "number", text: String(value) };
  if (Array.isArray(value)) return value.map(tagged);
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, tagged(item)]));
  }
  return value === undefined ? null : value;
}

function answer({ kind, text, variables, input }) {
  try {
    const found = kind === "tests" ? unaryTest(text, { ...variables, "?": input }) : evaluate(text, variables);
    return { value: tagged(found.value), warnings: [...new Set(found.warnings.map((one) => one.type))] };
  } catch (error) {
    return error.name === "SyntaxError" || error.position ? { syntax: error.message } : { crash: String(error) };
  }
}

function seconds({ text, variables, rounds }) {
  let best = Infinity;
  for (let run = 0; run < 40; run++) {
    const begun = process.hrtime.bigint();
    for (let round = 0; round < rounds; round++) evaluate(text, variables);
    best = Math.min(best, Number(process.hrtime.bigint() - begun) / 1e9 / rounds);
  }
  return best;
}

const asked = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(asked.time ? seconds(asked.time) : asked.items.map(answer)));
