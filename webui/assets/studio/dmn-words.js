import { isChinese } from "../language.js";
import { dmnWords } from "./dmn-zh.js";

const simple = (text) => text.toLowerCase().trim();
const chinese = new Map(Object.entries(dmnWords).map(([english, said]) => [simple(english), said]));

function inChinese(text) {
  if (!isChinese || typeof text !== "string") return text;
  const [, bare, mark] = /^(.*?)(:\s*)?$/s.exec(text);
  const found = chinese.get(simple(text));
  if (found) return found;
  return chinese.has(simple(bare)) ? `${chinese.get(simple(bare))}${mark ? "：" : ""}` : text;
}

export function translate(template, replacements = {}) {
  return inChinese(template).replace(/{([^}]+)}/g, (placeholder, key) => inChinese(replacements[key.trim()] ?? placeholder));
}
