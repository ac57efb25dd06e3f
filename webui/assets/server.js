// Talking to the server: its clock, its CSRF token, a POST.

// The server's time at load, from <meta name="server-now">, moved on by this machine's own clock. A wrong clock here
// makes no difference; one that is set while the page is open is put right by the next answer with X-Server-Now.
let serverAt = Date.parse(document.querySelector('meta[name="server-now"]')?.content ?? "");
let localAt = Date.now();
if (Number.isNaN(serverAt)) serverAt = localAt;

export function now() {
  return serverAt + (Date.now() - localAt);
}

export function takeTimeFrom(headers) {
  const said = Date.parse(headers?.get?.("X-Server-Now") ?? "");
  if (Number.isNaN(said)) return;
  serverAt = said;
  localAt = Date.now();
}

export function csrfToken() {
  return document.querySelector('meta[name="csrf-token"]')?.content ?? "";
}

// Requires: `url` on this server. Returns the response; throws what fetch throws, and on a status of 400 and above.
export async function post(url, body, { keepalive = false } = {}) {
  const response = await fetch(url, {
    method: "POST",
    body,
    keepalive,
    credentials: "same-origin",
    headers: { "X-CSRFToken": csrfToken(), "X-Requested-With": "fetch" },
  });
  takeTimeFrom(response.headers);
  if (!response.ok) throw new Error(`${response.status} from ${url}`);
  return response;
}
