// The modeler and its panel in Chinese: the community's words, and ours where they have holes or mistakes.
import bpmn from "bpmn-js-i18n-zh/lib/bpmn-js";
import camunda from "bpmn-js-i18n-zh/lib/camunda-properties-panel";
import panel from "bpmn-js-i18n-zh/lib/properties-panel";
import { isChinese } from "../language.js";
import { bpmnWords } from "./bpmn-zh.js";

// "Timer Boundary Event (Non Interrupting)" of the panel is "Timer boundary event (non-interrupting)" of the menus.
const simple = (text) => text.toLowerCase().replaceAll("-", " ").trim();

const chinese = new Map(
  [bpmn, panel, camunda, bpmnWords].flatMap((words) =>
    Object.entries(words).map(([english, said]) => [simple(english), said.replaceAll(" (非中断)", "（不打断）")]),
  ),
);

const inChinese = (text) => (isChinese && typeof text === "string" && chinese.get(simple(text))) || text;

export function translate(template, replacements = {}) {
  return inChinese(template).replace(/{([^}]+)}/g, (placeholder, key) => inChinese(replacements[key] ?? placeholder));
}
