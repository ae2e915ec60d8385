// Keys for lists, copying, and the parts of a page that renew themselves. Pages are complete
// without it.
"use strict";

const isTyping = (target) => target.closest("input, select, textarea, [contenteditable]") !== null;

function addKeys() {
  const search = document.querySelector("main .card input[type=search]")
    ?? document.querySelector("input[type=search]");
  const links = () => [...document.querySelectorAll("[data-rows] tbody th a")];
  for (const hint of document.querySelectorAll(".keys")) hint.hidden = false;
  const step = (by) => {
    const all = links();
    const now = all.indexOf(document.activeElement);
    const next = all[Math.min(all.length - 1, Math.max(0, now + by))];
    if (next) next.focus();
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (event.key === "/" && search) { event.preventDefault(); search.focus(); search.select(); }
    if (event.key === "j") step(1);
    if (event.key === "k") step(-1);
    if (event.key === "n") document.querySelector("a[rel=next]")?.click();
  });
}

function addCopying() {
  for (const block of document.querySelectorAll(".code")) {
    const text = block.querySelector("pre");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "small";
    button.textContent = "Copy";
    button.setAttribute("aria-label", `Copy: ${text.getAttribute("aria-label")}`);
    const said = document.createElement("span");
    said.setAttribute("role", "status");
    said.className = "small soft";
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(text.textContent);
        said.textContent = " Copied";
      } catch {
        getSelection().selectAllChildren(text);
        said.textContent = " Selected: copy it with the keyboard";
      }
    });
    block.append(button, said);
  }
}

// A part with data-live is fetched again as long as it is looked at and not paused.
function addLife() {
  const part = document.querySelector("[data-live]");
  if (!part) return;
  const pause = document.createElement("button");
  pause.type = "button";
  pause.textContent = "Pause";
  document.querySelector("[data-pause]")?.append(pause);
  let paused = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? "Continue" : "Pause";
  });
  const renew = async () => {
    if (!paused && !document.hidden && !part.contains(document.activeElement)) {
      try {
        const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const fresh = page.querySelector("[data-live]");
        if (answer.ok && fresh && fresh.innerHTML !== part.innerHTML) {
          part.replaceChildren(...fresh.childNodes);
        }
        if (answer.redirected) return;
      } catch { /* The hub is away; the next attempt may reach it. */ }
    }
    setTimeout(renew, Number(part.dataset.live));
  };
  setTimeout(renew, Number(part.dataset.live));
}

addKeys();
addCopying();
addLife();
