/* Words for people and numbers for them: read from the page, in its language. No string of its own. */

const holder = () => document.getElementById("words")?.dataset ?? {};

/** The word of this name with its {placeholders} filled. */
export function word(name, values = {}) {
  let text = holder()[name] ?? "";
  for (const [key, value] of Object.entries(values)) text = text.replace(`{${key}}`, String(value));
  return text;
}

/** The reader's language. */
export const language = () => document.documentElement.lang || "en";

/** The address of the icon sprite. */
export const sprite = () => holder().icons ?? "";
