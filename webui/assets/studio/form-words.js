// What build.mjs puts in the place of the form editor's English texts: `ourText("Should be at most ${max}.", max)`.
import { isChinese } from "../language.js";
import { formWords } from "./form-zh.js";

export function ourText(english, ...values) {
  const text = (isChinese && formWords[english]) || english.replace(/\$\{[^}]*\}/g, () => "${#}");
  let next = 0;
  return text.replace(/\$\{(\d+|#)\}/g, (_, place) => String(values[place === "#" ? next++ : Number(place)]));
}

// What the panel asks for by name; with blanks of its own.
const panelWords = {
  "List contains {numOfItems} item": "共 {numOfItems} 项",
  "List contains {numOfItems} items": "共 {numOfItems} 项",
  "FEEL expression is mandatory": "必须是 FEEL 表达式",
  "Click to remove FEEL expression": "改为固定的值",
  "Click to set a dynamic value with FEEL expression": "改用 FEEL 表达式",
};

export function translate(template, replacements = {}) {
  const text = isChinese ? (panelWords[template] ?? formWords[template] ?? template) : template;
  return text.replace(/{([^}]+)}/g, (placeholder, key) => replacements[key] ?? placeholder);
}
