// Loads the page again every few seconds, unless the reader works on it. Without scripts, the
// browser's own button does.
"use strict";
const SECONDS = 10;
const KEY = "refresh";
const label = document.createElement("label");
const box = document.createElement("input");
box.type = "checkbox";
box.checked = sessionStorage.getItem(KEY) !== "off";
box.addEventListener("change", () => sessionStorage.setItem(KEY, box.checked ? "on" : "off"));
label.append(box, ` Load again every ${SECONDS} s`);
const line = document.createElement("p");
line.className = "small no-print";
line.append(label);
document.querySelector("main").append(line);

function busy() {
  const at = document.activeElement;
  const works = at && at !== document.body && at !== box;
  const chosen = document.querySelector("main input:checked:not(p.no-print input)");
  return works || chosen || document.querySelector("main details[open]")
    || String(window.getSelection()) || document.visibilityState !== "visible";
}

setInterval(() => {
  if (box.checked && !busy()) window.location.reload();
}, SECONDS * 1000);
