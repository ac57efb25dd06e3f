export const bpmnWords = {};
