// What build.mjs puts in the place of the form editor's English texts: `ourText("Should be at most ${max}.", max)`.
import { isChinese } from "../language.js";
import { formWords } from "./form-zh.js";

export function ourText(english, ...values) {
  const text = (isChinese && formWords[english]) || english.replace(/\$\{[^}]*\}/g, () => "${#}");
  let next = 0;
  return text.replace(/\$\{(\d+|#)\}/g, (_, place) => String(values[place === "#" ? next++ : Number(place)]));
}
