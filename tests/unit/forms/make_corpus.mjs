// The half of the corpus maker that runs inside a browser page: it mounts the real form-js viewer, edits a form the
// way its inputs do, submits it and reports what the viewer says. See make_corpus.py for how it is bundled and called.
import { createForm } from '@bpmn-io/form-js-viewer';

// The viewer settles through effects, which run after a painted frame; values that an effect changes cause another.
const settle = async (frames) => {
  for (let i = 0; i < frames; i++) {
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
  }
};

const sameIndexes = (instance, rows) => {
  const own = Object.values(instance.indexes || {});
  return own.length === rows.length && own.every((n, i) => n === rows[i]);
};

const flatten = (errors, path, out) => {
  if (Array.isArray(errors) && errors.every((e) => typeof e === 'string') && errors.length) {
    out.push({ id: path[0], rows: path.slice(1).map(Number), messages: errors });
    return out;
  }
  Object.entries(errors || {}).forEach(([key, value]) => value && flatten(value, [...path, key], out));
  return out;
};

const edit = (form, { id, rows = [], value, remove, add, file }) => {
  const registry = form.get('formFieldInstanceRegistry');
  const instance = registry.getAll().find((i) => i.id === id && sameIndexes(i, rows));
  if (!instance) return; // hidden: there is no input to type into
  let next = value;
  if (remove !== undefined || add) {
    const list = (instance.valuePath.reduce((at, key) => (at == null ? at : at[key]), form._getState().data) || []).slice();
    if (remove !== undefined) list.splice(remove, 1);
    if (add) {
      const field = form.get('formFieldRegistry').get(id);
      list.push(form._getInitializedFieldData(form._getState().data, {
        container: field,
        indexes: { ...instance.indexes, [id]: list.length },
      }));
    }
    next = list;
  }
  if (file) {
    form.get('fileRegistry').setFiles(value, file.map((name) => new File(['x'], name)));
  }
  form._update({ fieldInstance: instance, field: form.get('formFieldRegistry').get(id), value: next });
};

const runCase = async ({ schema, data, edits }) => {
  const container = document.createElement('div');
  document.body.appendChild(container);
  try {
    const form = await createForm({ container, schema, data, debounce: false });
    await settle(10);
    const initial = JSON.parse(JSON.stringify(form._getState().data));
    for (const one of edits) {
      edit(form, one);
      await settle(8);
    }
    await settle(10);
    const { data: submitted, errors } = form.submit();
    const visible = form.get('formFieldInstanceRegistry').getAllKeyed()
      .map(({ id, indexes }) => ({ id, rows: Object.values(indexes || {}) }));
    form.destroy();
    return { initial, submitted: JSON.parse(JSON.stringify(submitted)), errors: flatten(errors, [], []), visible };
  } catch (error) {
    return { failed: String(error && error.message) };
  } finally {
    container.remove();
  }
};

window.runCases = (cases) => Promise.all(cases.map(runCase));
