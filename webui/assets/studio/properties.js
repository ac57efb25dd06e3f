// camunda:property of an element: read, and the commands that set one (one step of undo).
export const extensions = (element) => element.businessObject.get("extensionElements");

function holder(element) {
  return extensions(element)
    ?.get("values")
    ?.find((one) => one.$type === "camunda:Properties");
}

export const property = (element, name) =>
  holder(element)
    ?.get("values")
    ?.find((one) => one.get("name") === name);

export const valueOf = (element, name) => property(element, name)?.get("value") ?? "";

// Returns the commands for `properties-panel.multi-command-executor`; "" removes the property.
export function commandsToSet(element, name, value, factory) {
  const update = (moddleElement, properties) => ({
    cmd: "element.updateModdleProperties",
    context: { element, moddleElement, properties },
  });
  const made = (type, properties, parent) => Object.assign(factory.create(type, properties), { $parent: parent });
  const there = property(element, name);
  const inside = holder(element);
  if (there && value) return [update(there, { value })];
  if (there) return [update(inside, { values: inside.get("values").filter((one) => one !== there) })];
  if (!value) return [];
  const added = made("camunda:Property", { name, value }, inside);
  if (inside) return [update(inside, { values: [...inside.get("values"), added] })];
  const list = made("camunda:Properties", { values: [added] }, extensions(element));
  added.$parent = list;
  if (extensions(element)) {
    return [update(extensions(element), { values: [...extensions(element).get("values"), list] })];
  }
  const around = made("bpmn:ExtensionElements", { values: [list] }, element.businessObject);
  list.$parent = around;
  return [update(element.businessObject, { extensionElements: around })];
}
