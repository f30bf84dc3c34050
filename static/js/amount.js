/* Echo of a typed amount. An input with `data-amount`, `data-currency`, `data-locale` and, in minor units,
   `data-min` and `data-max` is read strictly as its market writes numbers, and `[data-amount-echo]` beside it
   says how it was understood, written like its `data-sample`, a whole amount from the server. The server
   decides; this only answers at once. */

import { word } from "./words.js";

function marks(locale) {
  const parts = new Intl.NumberFormat(locale, { useGrouping: true, minimumFractionDigits: 1 }).formatToParts(1234567.5);
  const find = (type, fallback) => parts.find((part) => part.type === type)?.value ?? fallback;
  return { group: find("group", ","), point: find("decimal", ".") };
}

const quoted = (mark) => mark.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** Minor units, or null when the text is not an amount of this locale. */
function read(text, locale, digits) {
  const { group, point } = marks(locale);
  const tail = digits ? `(?:${quoted(point)}(\\d{1,${digits}}))?` : "()";
  const match = new RegExp(`^(\\d{1,3}(?:${quoted(group)}\\d{3})+|\\d+)${tail}$`).exec(text.trim());
  if (!match) return null;
  return Number(match[1].split(group).join("") + (match[2] ?? "").padEnd(digits, "0"));
}

/** Writes minor units as the server wrote the sample: its symbol and space, and no cents where it has none. */
function writer(sample, locale, digits) {
  const { group, point } = marks(locale);
  const [shown] = /\d[\d.,]*/.exec(sample);
  return (minor) => {
    const whole = Math.floor(minor / 10 ** digits);
    const cents = minor % 10 ** digits;
    const number = String(whole).replace(/\B(?=(\d{3})+$)/g, group);
    const tail = shown.includes(point) || cents ? point + String(cents).padStart(digits, "0") : "";
    return sample.replace(shown, number + tail);
  };
}

function echo(input) {
  const out = input.closest(".field")?.querySelector("[data-amount-echo]");
  if (!out) return;
  const { currency, locale } = input.dataset;
  const digits = Number(input.dataset.digits ?? 2);
  const show = writer(out.dataset.sample, locale, digits);
  const say = (text, tone = "") => {
    out.textContent = text;
    out.dataset.tone = tone;
  };
  if (input.value.trim() === "") return say("");
  const minor = read(input.value, locale, digits);
  if (minor === null) return say(word("amountBad", { example: show(123450) }), "critical");
  const { min, max } = input.dataset;
  if (min && minor < Number(min)) return say(word("amountLow", { amount: show(Number(min)) }), "critical");
  if (max && minor > Number(max)) return say(word("amountHigh", { amount: show(Number(max)) }), "critical");
  return say(`= ${show(minor)} ${currency}`);
}

/* An offer says with `data-alone` how much a person grants alone and with `data-usual` what is granted when
   nothing is typed; above the first, choosing it asks for a second person. Above `data-max` nobody's yes
   could give it: there is nothing to ask for, and the echo says the most. */
function ask(input) {
  const radio = input.closest(".offer")?.querySelector("input[type=radio][data-alone]");
  if (!radio) return;
  const { currency, locale } = input.dataset;
  const minor = input.value.trim() === "" ? Number(radio.dataset.usual) : read(input.value, locale, Number(input.dataset.digits ?? 2));
  if (minor === null || !currency) return;
  const most = Number(input.dataset.max || Infinity);
  radio.toggleAttribute("data-asks", minor > Number(radio.dataset.alone) && minor <= most);
}

function tell(input) {
  echo(input);
  ask(input);
}

document.addEventListener("input", (event) => {
  if (event.target.matches?.("input[data-amount]")) tell(event.target);
});

document.addEventListener("keep:back", (event) => event.target.querySelectorAll("input[data-amount]").forEach(tell));
