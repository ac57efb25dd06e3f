// The form for a new item: an image on the clipboard becomes a file of it, and what a bookmark put behind the # is
// filled in. The # never reaches a server, and is taken off the address at once.
const form = document.querySelector("[data-item-entry]");

function fillFrom(hash) {
  let told;
  try {
    told = JSON.parse(decodeURIComponent(hash.slice(1)));
  } catch {
    return;
  }
  for (const name of ["title", "url", "body"]) {
    const field = form.elements[name];
    if (field && !field.value && typeof told?.[name] === "string") field.value = told[name].slice(0, field.maxLength);
  }
}

function tell(file) {
  const line = document.createElement("li");
  line.textContent = `${file.name} · ${Math.ceil(file.size / 1024)} kB`;
  form.querySelector("[data-pasted]").append(line);
}

function paste(event) {
  const images = [...(event.clipboardData?.items ?? [])].filter((item) => item.kind === "file" && item.type.startsWith("image/"));
  if (!images.length) return;
  event.preventDefault();
  const chosen = new DataTransfer();
  for (const file of form.elements.files.files) chosen.items.add(file);
  for (const image of images) {
    const content = image.getAsFile();
    const stamp = new Date().toISOString().slice(0, 19).replaceAll(/[-:T]/g, "");
    const ending = content.type === "image/jpeg" ? "jpg" : content.type.slice("image/".length);
    const file = new File([content], `screenshot-${stamp}-${chosen.items.length + 1}.${ending}`, { type: content.type });
    chosen.items.add(file);
    tell(file);
  }
  form.elements.files.files = chosen.files;
}

if (form) {
  if (location.hash.length > 1) {
    fillFrom(location.hash);
    history.replaceState(null, "", location.pathname + location.search);
  }
  document.addEventListener("paste", paste);
}
