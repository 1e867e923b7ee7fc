// What can be typed or chosen in a view, by the element's type, and what its state says.

import { Choices } from "./choices.js";
import { Picker } from "./picker.js";
import { TextInput } from "./text_input.js";

const KINDS = {
  plain_text_input: TextInput,
  checkboxes: Choices,
  radio_buttons: Choices,
  static_select: Picker,
  multi_static_select: Picker,
  multi_users_select: Picker,
  conversations_select: Picker,
  multi_conversations_select: Picker,
};

/** A new field for an element; null for one that this page does not operate. */
export const newField = (element, on) => (Object.hasOwn(KINDS, element.type) ? new KINDS[element.type](element, on) : null);

/** Everything in a block whose changes an app can receive. */
export const elementsOf = (block) => [...(block.elements ?? []), block.accessory, block.element].filter(Boolean);

/** What an entry of the state holds: a text, an id, or the value of an option, or several of them. */
export function valueOf(entry) {
  const [, held] = Object.entries(entry ?? {}).find(([name]) => name !== "type") ?? [];
  const value = (one) => one?.value ?? one;
  return Array.isArray(held) ? held.map(value) : (value(held) ?? null);
}
