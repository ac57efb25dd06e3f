// Builds assets/ into static/dist/: minified, with a hash of the content in each name, and a manifest.json that says
// which name is meant. Everything is served by the application itself: no page loads anything from elsewhere.
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { transform } from "lightningcss";
import { formWords } from "./assets/studio/form-zh.js";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "static", "dist");

// The oldest browsers that offices still have: Chromium 109 is the last for Windows 7 and the base of several domestic
// ones. Tabler 1.4 is the last that was made for them: what follows is built on light-dark() and oklch(). Its color-mix()
// tints need Chromium 111; before, these places are white.
const scriptTargets = ["chrome109", "firefox102", "safari15"];
const styleTargets = { chrome: 109 << 16, firefox: 102 << 16, safari: 15 << 16 };

// form-js 2.0.0 leaves these to the browser's locale or to English. Each must be found exactly once, so that an upgrade
// that changes them stops the build instead of the translation.
const formJsEdits = [
  // 2026-03-02 everywhere; the reader's browser may be set to any language.
  [
    "const parts = new Intl.DateTimeFormat(locale).formatToParts(new Date(Date.UTC(2020, 5, 5)));",
    "const parts = [['year', 'yyyy'], ['', '-'], ['month', 'MM'], ['', '-'], ['day', 'dd']].map(([type, value]) => ({ type, value }));",
  ],
  ["minDate: disallowPassedDates ? 'today' : '01/01/1900',", "minDate: disallowPassedDates ? 'today' : '1900-01-01',"],
  ["placeholder: 'Search',", "placeholder: ourTranslate('Search'),"],
  ["children: valueLabel || 'Select'", "children: valueLabel || ourTranslate('Select')"],
  ['children: "Browse"', "children: ourTranslate('Browse')"],
  [
    '"aria-label": `Remove list item ${itemIndex + 1}`',
    '"aria-label": ourTranslate("Remove list item {value}", { value: itemIndex + 1 })',
  ],
];

const translateFormJs = {
  name: "translate-form-js",
  setup(build) {
    build.onLoad({ filter: /form-js-viewer[\\/]dist[\\/]index\.es\.js$/ }, ({ path }) => {
      const language = JSON.stringify(join(here, "assets", "form-language.js"));
      let contents = `import { translate as ourTranslate } from ${language};\n${readFileSync(path, "utf8")}`;
      for (const [before, after] of formJsEdits) {
        const found = contents.split(before).length - 1;
        if (found !== 1) throw new Error(`form-js: expected once, found ${found} times: ${before}`);
        contents = contents.replace(before, () => after);
      }
      return { contents, loader: "js" };
    });
  },
};

// What our policy forbids and how the same is said within it. Each must be found, so that an upgrade that changes it stops
// the build instead of a page: [file, what, becomes].
const policyEdits = [
  // CodeMirror writes its styles into a <style>; a sheet that a script constructs is allowed.
  [
    /style-mod[\\/]src[\\/]style-mod\.js$/,
    /if \(!root\.head && root\.adoptedStyleSheets && win\.CSSStyleSheet\) \{/g,
    () => "if (root.adoptedStyleSheets && win.CSSStyleSheet) {",
  ],
  // Markup with style="..." in it: parsed without, then set by script.
  [
    /domify[\\/]index\.js$/,
    /export default function domify\(/g,
    () => `export default function styled(html, document) {
      const made = domify(typeof html === "string" ? html.replace(/\\sstyle="/g, ' data-style="') : html, document);
      const around = made.nodeType === 1 ? [made] : [];
      for (const one of [...around, ...(made.querySelectorAll?.("[data-style]") ?? [])]) {
        if (!one.dataset?.style) continue;
        one.style.cssText = one.dataset.style;
        one.removeAttribute("data-style");
      }
      return made;
    }
    function domify(`,
  ],
  // Icons: style="stroke:red;fill:none" becomes stroke="red" fill="none".
  [
    /bpmn-js[\\/]lib[\\/]features[\\/](align|distribute)-elements[\\/]\w+Icons\.js$/,
    /style="([^"]*)"/g,
    (_, style) =>
      style
        .split(";")
        .filter(Boolean)
        .map((one) => one.replace(/^\s*([\w-]+)\s*:\s*(.*)$/, '$1="$2"'))
        .join(" "),
  ],
];

// What the libraries say without their translation: the same kind of edits. `ourTranslate` is of bpmn-words.js.
const panelEdits = [
  [
    /@bpmn-io[\\/]properties-panel[\\/]dist[\\/]index\.esm\.js$/,
    [[/function translateFallback\(template, replacements\) \{/g, (found) => `${found} return ourTranslate(template, replacements);`]],
  ],
  [
    /bpmn-js-properties-panel[\\/]dist[\\/]index\.esm\.js$/,
    [
      [/(field\.name|field\.get\('name'\)) \|\| '<empty>'/g, (_, name) => `${name} || ourTranslate('<empty>')`],
      [/return '<no reference>';/g, () => "return ourTranslate('<no reference>');"],
      [/getListenerLabel\(listener\),/g, () => "getListenerLabel(listener, ourTranslate),"],
    ],
  ],
  [
    /dmn-js-decision-table[\\/]lib[\\/]features[\\/]drag-and-drop[\\/]DragAndDrop\.js$/,
    [[/`Move \$\{isInput\(col\) \? 'Input' : 'Output'\}`/g, () => "this._translate(isInput(col) ? 'Move input' : 'Move output')"]],
  ],
  [
    /dmn-js-decision-table[\\/]lib[\\/]features[\\/]context-menu[\\/]ContextMenu\.js$/,
    [[/"aria-label": ("Decision table context menu")/g, (_, text) => `"aria-label": ourTranslate(${text})`]],
  ],
  [/bpmn-js-element-templates[\\/]dist[\\/]index\.esm\.js$/, [[/"Select a template"/g, (text) => `ourTranslate(${text})`]]],
  [
    /diagram-js[\\/]lib[\\/]features[\\/]popup-menu[\\/]PopupMenuComponent\.js$/,
    [[/ariaLabel=\$\{ title \|\| 'Results' \}/g, () => "ariaLabel=${ title || ourTranslate('Results') }"]],
  ],
];

function edited(path, edits) {
  return edits.reduce((contents, [what, becomes]) => {
    const result = contents.replace(what, becomes);
    if (result === contents) throw new Error(`${path}: expected ${what}`);
    return result;
  }, readFileSync(path, "utf8"));
}

const translatePanel = {
  name: "translate-panel",
  setup(build) {
    const words = (name) => JSON.stringify(join(here, "assets", "studio", `${name}-words.js`));
    for (const [filter, edits] of panelEdits) {
      build.onLoad({ filter }, ({ path }) => ({
        contents: `import { translate as ourTranslate } from ${words(path.includes("dmn-js") ? "dmn" : "bpmn")};\n${edited(path, edits)}`,
        loader: "js",
      }));
    }
  },
};

const keepPolicy = {
  name: "keep-policy",
  setup(build) {
    for (const [filter, what, becomes] of policyEdits) {
      build.onLoad({ filter }, ({ path }) => ({ contents: edited(path, [[what, becomes]]), loader: "js" }));
    }
  },
};

// Of the icon fonts the one that every browser from scriptTargets on reads; all would be three times the size.
const oneFont = {
  name: "one-font",
  setup(build) {
    build.onResolve({ filter: /font\/\w+\.(eot|svg|ttf|woff)(\?|$)/ }, ({ path, kind }) =>
      kind === "url-token" ? { path: `data:,${path.replace(/\W/g, "-")}`, external: true } : undefined,
    );
  },
};

const studio = ["bpmn", "dmn", "form", "text"];

// The form editor has no translation: each text of assets/studio/form-zh.js is replaced where it stands as something to be
// read (the value of a label, a branch, an argument, an item), never as a key or in a comparison. Its own, older viewer
// has texts of the canvas.
const isRead =
  /(\b(label|title|description|children|placeholder|tooltip|text|name|alt|emptyListMessage|closeButtonTooltip|placeholderContent)\s*[:=]\s*|['"]aria-label['"]\s*:\s*|\breturn\s+|[?(,[]\s*|[^'"\w]:\s*|\|\|\s*|\b\w+\s*=\s*)$/;

// In the editor the panel's own fallback, in its viewer the way dates are written.
function besides(contents, path) {
  const [before, after] = path.includes("form-js-viewer")
    ? formJsEdits[0]
    : ["function translateFallback(template, replacements) {", "function translateFallback(template, replacements) { return ourTranslate(template, replacements);"];
  if (contents.split(before).length !== 2) throw new Error(`form-js-editor: expected once: ${before}`);
  return contents.replace(before, () => after);
}

const translateFormEditor = {
  name: "translate-form-editor",
  setup(build) {
    const found = new Set();
    const wanted = Object.keys(formWords).sort((one, other) => other.length - one.length);
    build.onLoad({ filter: /form-js-editor[\\/](dist|node_modules[\\/]@bpmn-io[\\/]form-js-viewer[\\/]dist)[\\/]index\.es\.js$/ }, ({ path }) => {
      const language = JSON.stringify(join(here, "assets", "studio", "form-words.js"));
      const quoted = wanted.flatMap((text) => [`'${text}'`, `"${text}"`, `\`${text}\``]);
      const pattern = new RegExp(quoted.map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|"), "g");
      const contents = readFileSync(path, "utf8").replace(pattern, (literal, at, whole) => {
        const before = whole.slice(Math.max(0, at - 80), at);
        const after = whole.slice(at + literal.length, at + literal.length + 12);
        if (!isRead.test(before) || /^\s*(:(?!:)|=>|in\b)/.test(after) && !/\?[^:]*$/.test(before)) return literal;
        if (/(===?|!==?|case|isKey\w*\(|has\()\s*(\[\s*)?$/.test(before)) return literal;
        const text = literal.slice(1, -1);
        const values = literal[0] === "`" ? [...text.matchAll(/\$\{([^}]*)\}/g)].map(([, value]) => value) : [];
        found.add(text);
        return `ourText(${[JSON.stringify(text), ...values].join(", ")})`;
      });
      return { contents: `import { ourText, translate as ourTranslate } from ${language};\n${besides(contents, path)}`, loader: "js" };
    });
    build.onEnd(() => {
      const missed = wanted.filter((text) => !found.has(text));
      if (missed.length) throw new Error(`form-js-editor: not found: ${missed.join(" | ")}`);
    });
  },
};

const result = await esbuild.build({
  absWorkingDir: here,
  entryPoints: [
    ...["app", "form", "diagram", "replay", "compare", "statistics"].flatMap((name) => [`assets/${name}.js`, `assets/${name}.css`]),
    "assets/items.js",
    // The process studio's editors are large: each is a bundle of its own that only its page loads.
    ...studio.flatMap((name) => ["js", "css"].map((type) => ({ in: `assets/studio/${name}.${type}`, out: `studio-${name}` }))),
  ],
  bundle: true,
  minify: true,
  write: false,
  outdir: out,
  format: "iife",
  target: scriptTargets,
  charset: "utf8",
  legalComments: "eof",
  define: { "process.env.NODE_ENV": '"production"' },
  // Without the shadow of a link to a source map that is not served.
  sourcemap: false,
  loader: { ".woff2": "dataurl", ".woff": "dataurl", ".ttf": "dataurl", ".svg": "dataurl", ".eot": "empty" },
  plugins: [translatePanel, translateFormEditor, translateFormJs, keepPolicy, oneFont],
  logLevel: "warning",
});

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const manifest = {};
for (const file of result.outputFiles) {
  const extension = extname(file.path);
  const name = basename(file.path, extension);
  const contents =
    extension === ".css"
      ? transform({ filename: file.path, code: file.contents, minify: true, targets: styleTargets }).code
      : file.contents;
  const hash = createHash("sha256").update(contents).digest("hex").slice(0, 12);
  manifest[name + extension] = `${name}-${hash}${extension}`;
  writeFileSync(join(out, manifest[name + extension]), contents);
}
// For Camunda Modeler as well: the element templates of our properties.
const templates = readFileSync(join(here, "assets", "studio", "templates.json"));
const templatesHash = createHash("sha256").update(templates).digest("hex").slice(0, 12);
manifest["opinion-templates.json"] = `opinion-templates-${templatesHash}.json`;
writeFileSync(join(out, manifest["opinion-templates.json"]), templates);
// Not for pages: the font that PDF reports embed (engine/service/fonts.py), with its licence beside it.
const font = join(here, "node_modules", "@expo-google-fonts", "noto-sans-sc");
copyFileSync(join(font, "400Regular", "NotoSansSC_400Regular.ttf"), join(out, "NotoSansSC-Regular.ttf"));
copyFileSync(join(font, "LICENSE_FONT"), join(out, "NotoSansSC-LICENSE.txt"));
// Last: make takes it as the sign that the build is complete.
writeFileSync(join(out, "manifest.json"), JSON.stringify(manifest, Object.keys(manifest).sort(), 2) + "\n");
