// The total of the selected invoices, while they are selected. Without scripts the next page has it.
"use strict";
const form = document.getElementById("invoices-form");
const shown = document.getElementById("selected");
const boxes = [...form.querySelectorAll("input[name=i]")];
const language = shown.dataset.locale;

// Amounts are whole numbers of the currency's lowest division, and may be larger than what a
// floating-point number can hold; the formatter takes decimals as text.
function money(amount, currency, digits) {
  const text = amount.toString().padStart(digits + 1, "0");
  const decimal = digits ? `${text.slice(0, -digits)}.${text.slice(-digits)}` : text;
  return new Intl.NumberFormat(language, {
    style: "currency", currency, minimumFractionDigits: digits, maximumFractionDigits: digits,
  }).format(decimal);
}

function show() {
  const sums = new Map();
  for (const box of boxes) {
    if (!box.checked) continue;
    const { amount, currency, digits } = box.dataset;
    const known = sums.get(currency) ?? { amount: 0n, digits: Number(digits) };
    sums.set(currency, { ...known, amount: known.amount + BigInt(amount) });
  }
  const texts = [...sums].map(([currency, one]) => money(one.amount, currency, one.digits));
  const chosen = boxes.filter((box) => box.checked).length;
  shown.textContent = chosen
    ? `${shown.dataset.some} ${chosen} · ${texts.join(" + ")}` : shown.dataset.none;
}

function addChoiceOfAll() {
  const heading = form.querySelector("thead .pick");
  const all = document.createElement("input");
  all.type = "checkbox";
  all.setAttribute("aria-label", heading.textContent.trim());
  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
    show();
  });
  heading.replaceChildren(all);
}

addChoiceOfAll();
shown.hidden = false;
form.addEventListener("change", show);
window.addEventListener("pageshow", show);
show();
