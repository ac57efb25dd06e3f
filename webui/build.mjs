// Builds assets/ into static/dist/: minified, with a hash of the content in each name, and a manifest.json that says
// which name is meant. Everything is served by the application itself: no page loads anything from elsewhere.
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { transform } from "lightningcss";

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

const result = await esbuild.build({
  absWorkingDir: here,
  entryPoints: ["app", "form", "diagram", "replay", "compare"].flatMap((name) => [`assets/${name}.js`, `assets/${name}.css`]),
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
  plugins: [translateFormJs],
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
// Not for pages: the font that PDF reports embed (engine/service/fonts.py), with its licence beside it.
const font = join(here, "node_modules", "@expo-google-fonts", "noto-sans-sc");
copyFileSync(join(font, "400Regular", "NotoSansSC_400Regular.ttf"), join(out, "NotoSansSC-Regular.ttf"));
copyFileSync(join(font, "LICENSE_FONT"), join(out, "NotoSansSC-LICENSE.txt"));
// Last: make takes it as the sign that the build is complete.
writeFileSync(join(out, "manifest.json"), JSON.stringify(manifest, Object.keys(manifest).sort(), 2) + "\n");
