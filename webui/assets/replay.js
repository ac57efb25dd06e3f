// The player of a replay page (webui/templates/replay): steps are fetched one by one and put into the page.
//
// Keys: left and right one step, Home and End, space plays, B the next breach, ? the keys.
import { CaseDiagram } from "./diagram.js";

document.documentElement.classList.add("scripted");
const root = document.getElementById("replay");
if (root) new Player(root);

function Player(root) {
  const count = Number(root.dataset.count);
  const marked = (root.dataset.marked ? root.dataset.marked.split(" ").map(Number) : []).concat(
    root.dataset.broken ? [Number(root.dataset.broken)] : [],
  );
  const track = root.querySelector("input[type=range]");
  const panel = document.getElementById("replay-step");
  const list = document.getElementById("replay-list");
  const said = document.getElementById("replay-said");
  const playButton = root.querySelector("[data-go=play]");
  const playText = playButton.textContent;
  const first = JSON.parse(document.getElementById("replay-drawing").textContent);
  const asked = new URLSearchParams(location.search).get("scope");
  let step = Number(root.dataset.step);
  let pinned = asked;
  let key = first.key;
  let request = null;
  let timer = 0;

  const diagram = new CaseDiagram(document.getElementById("replay-diagram"), first);
  const shown = diagram.show().then(() => (root.dataset.ready = "yes"));
  diagram.follow = (link) => pin(new URL(link, location.href).searchParams.get("scope"));

  function pin(scope) {
    pinned = scope;
    go(step, true);
  }

  async function go(wanted, again = false) {
    const next = Math.min(Math.max(wanted, 1), count);
    if (next === step && !again) return;
    step = next;
    track.value = step;
    request?.abort();
    request = new AbortController();
    const query = new URLSearchParams({ have: key });
    if (pinned !== null) query.set("scope", pinned);
    root.dataset.loading = String(step);
    let answer;
    try {
      const response = await fetch(`${root.dataset.url}${step}?${query}`, {
        headers: { "X-Requested-With": "fetch" },
        signal: request.signal,
      });
      if (!response.ok) throw new Error(String(response.status));
      answer = await response.json();
    } catch (error) {
      if (error.name === "AbortError") return;
      // Signed out, or the server is away: the plain page says what is the matter.
      location.assign(`${root.dataset.page}?step=${step}`);
      return;
    }
    await shown;
    panel.innerHTML = answer.html;
    key = answer.drawing.key;
    await diagram.update(answer.drawing);
    document.dispatchEvent(new CustomEvent("htmx:after:swap"));
    said.textContent = answer.said;
    mark();
    const kept = pinned === null ? "" : `&scope=${encodeURIComponent(pinned)}`;
    history.replaceState(null, "", `${root.dataset.page}?step=${step}${kept}`);
    root.dataset.step = String(step);
  }

  function mark() {
    list.querySelector("[aria-current]")?.removeAttribute("aria-current");
    const link = list.querySelector(`[data-step="${step}"]`);
    link?.setAttribute("aria-current", "step");
    if (!link) return;
    const item = link.closest("li");
    if (item.offsetTop < list.scrollTop || item.offsetTop + item.offsetHeight > list.scrollTop + list.clientHeight) {
      list.scrollTop = item.offsetTop - list.clientHeight / 3;
    }
    const left = marked.some((one) => one > step);
    root.querySelector("[data-go=marked]").classList.toggle("disabled", !left);
  }

  function play(on) {
    clearTimeout(timer);
    timer = 0;
    playButton.setAttribute("aria-pressed", String(on));
    playButton.textContent = on ? playButton.dataset.playing : playText;
    if (!on) return;
    // The next step waits until this one is on the page: a slow server slows the play down, it skips nothing.
    const turn = async () => {
      const mine = timer;
      if (step === count) return play(false);
      await go(step + 1);
      if (timer === mine) later();
    };
    const later = () => (timer = setTimeout(turn, Number(root.querySelector("[data-speed]").value)));
    if (step === count) go(1);
    later();
  }

  const moves = {
    first: () => go(1),
    back: () => go(step - 1),
    forward: () => go(step + 1),
    last: () => go(count),
    marked: () => {
      const next = marked.find((one) => one > step);
      if (next) go(next);
    },
    play: () => play(!timer),
    help: () => {
      const help = document.getElementById("replay-help");
      help.hidden = !help.hidden;
      root.querySelector("[data-go=help]").setAttribute("aria-expanded", String(!help.hidden));
    },
  };

  root.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    const control = event.target.closest("[data-go], [data-step], [data-scope], [data-unpin]");
    if (!control || control === root) return;
    event.preventDefault();
    if (control.dataset.go) {
      if (control.dataset.go !== "play" && timer) play(false);
      moves[control.dataset.go]();
    } else if (control.dataset.step) {
      play(false);
      go(Number(control.dataset.step));
    } else pin("scope" in control.dataset ? control.dataset.scope : null);
  });
  track.addEventListener("input", () => {
    play(false);
    go(Number(track.value));
  });
  root.querySelector("[data-speed]").addEventListener("change", () => timer && play(true));

  const keys = { ArrowLeft: "back", ArrowRight: "forward", Home: "first", End: "last", " ": "play", b: "marked", B: "marked", "?": "help" };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.closest("input, select, textarea, .diagram-canvas, summary")) return;
    if (event.key === " " && event.target.closest("button, a")) return;
    const move = keys[event.key];
    if (!move) return;
    event.preventDefault();
    if (move !== "play" && move !== "help" && timer) play(false);
    moves[move]();
  });
  mark();
}
