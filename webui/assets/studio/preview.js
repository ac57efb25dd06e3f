// The form as staff see it: their own script and styles in a frame of their own, fed anew a moment after each change.
const PAUSE = 400;

export class Preview {
  constructor(frame) {
    this.frame = frame;
    this.timer = 0;
    const { contentDocument: page } = frame;
    page.documentElement.lang = document.documentElement.lang;
    page.documentElement.dataset.bsTheme = "light";
    for (const href of frame.dataset.styles.split(" ")) {
      page.head.append(Object.assign(page.createElement("link"), { rel: "stylesheet", href }));
    }
    this.form = page.createElement("form");
    this.form.className = "p-3";
    this.form.addEventListener("submit", (event) => event.preventDefault());
    page.body.append(this.form);
    this.page = page;
  }

  show(schema) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.draw(schema), PAUSE);
  }

  draw(schema) {
    const block = this.page.createElement("script");
    block.type = "application/json";
    block.id = "preview-schema";
    block.textContent = JSON.stringify(schema);
    const mount = this.page.createElement("div");
    mount.dataset.formSchemaId = block.id;
    this.form.replaceChildren(block, mount);
    if (this.script) {
      this.page.dispatchEvent(new CustomEvent("htmx:after:swap"));
    } else {
      this.script = Object.assign(this.page.createElement("script"), { src: this.frame.dataset.script });
      this.page.body.append(this.script);
    }
  }
}
