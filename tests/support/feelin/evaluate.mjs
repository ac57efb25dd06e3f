// Evaluates a batch with feelin: JSON on standard input, JSON on standard output. See tests/support/feelin_batch.py.
// {items: [{kind: "expression" | "tests", text, variables, input}]} gives [{value} | {syntax} ...], one an item;
// {time: {text, variables, rounds}} gives the seconds of one evaluation, the best of forty runs.
// With an argument: the module to ask instead of feelin; what an older one cannot tell apart stays untagged.
import { readFileSync } from "node:fs";

const feelin = await import(process.argv[2] ?? "feelin");
const { evaluate, unaryTest, isFunction = () => false, isRange = () => false } = feelin;
const KINDS = { date: feelin.FeelDate, time: feelin.FeelTime, "date and time": feelin.FeelDateTime, duration: feelin.FeelDuration };

// What JSON cannot say is tagged: {"$": kind, ...}.
function tagged(value) {
  for (const [kind, type] of Object.entries(KINDS)) {
    if (type && value instanceof type) return { $: kind, text: value.iso };
  }
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
