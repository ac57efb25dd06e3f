// The modeler and its panel in Chinese: the community's words, and ours where they have holes or mistakes.
import bpmn from "bpmn-js-i18n-zh/lib/bpmn-js";
import camunda from "bpmn-js-i18n-zh/lib/camunda-properties-panel";
import panel from "bpmn-js-i18n-zh/lib/properties-panel";
import { isChinese } from "../language.js";
import { bpmnWords } from "./bpmn-zh.js";

export const chinese = { ...bpmn, ...panel, ...camunda, ...bpmnWords };

export function translate(template, replacements = {}) {
  const text = (isChinese && chinese[template]) || template;
  return text.replace(/{([^}]+)}/g, (placeholder, key) => {
    const value = replacements[key];
    if (value === undefined) return placeholder;
    return (isChinese && chinese[value]) || value;
  });
}
