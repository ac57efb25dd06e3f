// Our own group of the properties panel: what an element keeps of the regulation (clause, limit, anchor ...), as in
// docs/modeling.md, and the length of a limit without the expression around it.
import {
  CheckboxEntry,
  Group,
  isCheckboxEntryEdited,
  isTextAreaEntryEdited,
  isTextFieldEntryEdited,
  TextAreaEntry,
  TextFieldEntry,
} from "@bpmn-io/properties-panel";
import { jsx } from "@bpmn-io/properties-panel/preact/jsx-runtime";
import { useService } from "bpmn-js-properties-panel";
import { is, isAny } from "bpmn-js/lib/util/ModelUtil";
import { isChinese } from "../language.js";
import { durationIn, isDuration, withDuration } from "./durations.js";
import { limitWords } from "./limit-words.js";
import { commandsToSet, valueOf } from "./properties.js";

const words = limitWords(isChinese);

const definition = (element, type) =>
  element.businessObject.get("eventDefinitions")?.find((one) => one.$type === `bpmn:${type}EventDefinition`);

const timer = (element) => is(element, "bpmn:Event") && definition(element, "Timer");

const timerText = (element) =>
  ["timeDate", "timeDuration", "timeCycle"].map((name) => timer(element)?.get(name)).find(Boolean);

const isWaiting = (element) =>
  is(element, "bpmn:ReceiveTask") || (is(element, "bpmn:CatchEvent") && Boolean(definition(element, "Message")));

const topic = (element) => is(element, "bpmn:ServiceTask") && element.businessObject.get("camunda:topic");

const isMany = (element) =>
  is(element, "bpmn:Activity") &&
  element.businessObject.get("loopCharacteristics")?.$type === "bpmn:MultiInstanceLoopCharacteristics";

// [property, how it is edited, which elements have it]
const FIELDS = [
  ["clause", "line", (element) => isAny(element, ["bpmn:FlowNode", "bpmn:Process"])],
  ["limit", "line", (element) => timer(element) || topic(element) === "draft-late-report"],
  ["anchor", "line", timer],
  ["rule", "text", timer],
  ["breach", "tick", timer],
  ["warnings", "line", timer],
  ["responsible", "line", timer],
  ["unit", "line", timer],
  ["action", "line", isWaiting],
  ["role", "line", isWaiting],
  ["form", "line", isWaiting],
  ["correlation", "line", isWaiting],
  ["to", "line", (element) => topic(element) === "notify"],
  ["message", "text", (element) => topic(element) === "notify"],
  ["copy", "tick", (element) => topic(element) === "notify"],
  ["title", "line", (element) => topic(element) === "draft-late-report"],
  ["into", "line", (element) => topic(element) === "draft-late-report"],
  ["requires", "text", (element) => topic(element) === "check-archive"],
  ["stage", "line", (element) => is(element, "bpmn:Activity")],
  ["collectInto", "line", isMany],
  ["outcome", "line", (element) => is(element, "bpmn:EndEvent")],
];

const KINDS = {
  line: [TextFieldEntry, isTextFieldEntryEdited],
  text: [TextAreaEntry, isTextAreaEntryEdited],
  tick: [CheckboxEntry, isCheckboxEntryEdited],
};

function PropertyEntry({ element, id, name, kind }) {
  const commandStack = useService("commandStack");
  const factory = useService("bpmnFactory");
  const debounce = useService("debounceInput");
  const ticked = kind === "tick";
  return jsx(KINDS[kind][0], {
    element,
    id,
    label: words[name][0],
    description: words[name][1],
    getValue: () => (ticked ? valueOf(element, name) === "true" : valueOf(element, name)),
    setValue: (value) => {
      const text = ticked ? (value ? "true" : "") : (value ?? "");
      const commands = commandsToSet(element, name, text, factory);
      if (commands.length) commandStack.execute("properties-panel.multi-command-executor", commands);
    },
    debounce,
  });
}

function DurationEntry({ element, id }) {
  const modeling = useService("modeling");
  const debounce = useService("debounceInput");
  const expression = timerText(element);
  const body = expression.get("body") ?? "";
  return jsx(TextFieldEntry, {
    element,
    id,
    label: words.duration[0],
    description: words.duration[1],
    getValue: () => durationIn(body)?.text ?? "",
    setValue: (value) => {
      if (isDuration(value ?? "")) modeling.updateModdleProperties(element, expression, { body: withDuration(body, value) });
    },
    validate: (value) => (isDuration(value ?? "") ? null : words.duration[2]),
    debounce,
  });
}

class RegulationProperties {
  constructor(propertiesPanel) {
    propertiesPanel.registerProvider(400, this);
  }

  getGroups(element) {
    return (groups) => {
      const entries = FIELDS.filter(([, , fits]) => fits(element)).map(([name, kind]) => ({
        id: `office-${name}`,
        name,
        kind,
        component: PropertyEntry,
        isEdited: KINDS[kind][1],
      }));
      if (timer(element) && durationIn(timerText(element)?.get("body"))) {
        entries.unshift({ id: "office-duration", component: DurationEntry, isEdited: isTextFieldEntryEdited });
      }
      if (!entries.length) return groups;
      const ours = { id: "office", label: words.group, component: Group, entries, shouldOpen: true };
      const after = groups.findIndex((group) => group.id === "general") + 1;
      return [...groups.slice(0, after), ours, ...groups.slice(after)];
    };
  }
}

RegulationProperties.$inject = ["propertiesPanel"];

export default { __init__: ["regulationProperties"], regulationProperties: ["type", RegulationProperties] };
