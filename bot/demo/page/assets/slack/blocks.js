// The blocks of a message as elements. https://docs.slack.dev/reference/block-kit/blocks

import { h, shown } from "../dom.js";
import { blockButton, stillElement } from "./buttons.js";
import { textObject } from "./mrkdwn.js";

/** All blocks in order. `message` has the names for ids, and sends clicks; a view's has `control(element, block)` as well, for what can be chosen. */
export const drawBlocks = (blocks, message) => blocks.map((block) => drawBlock(block, message));

export const drawBlock = (block, message) => (Object.hasOwn(KINDS, block.type) ? KINDS[block.type] : unknown)(block, message);

const KINDS = {
  section: (block, message) =>
    h("div.section", {},
      h("div.section-body", {},
        block.text && h("div", {}, textObject(block.text, message.names)),
        block.fields && h("div.fields", {}, block.fields.map((field) => h("div", {}, textObject(field, message.names)))),
      ),
      block.accessory && h("div.accessory", {}, drawElement(block.accessory, block, message)),
    ),
  divider: () => h("hr"),
  context: (block, message) =>
    h("div.context", {}, block.elements.map((element) =>
      element.type === "image" ? picture(element) : h("span", {}, textObject(element, message.names)))),
  actions: (block, message) => h("div.actions", {}, block.elements.map((element) => drawElement(element, block, message))),
  image: (block, message) =>
    h("figure", {}, block.title && h("figcaption", {}, textObject(block.title, message.names)), picture(block)),
  rich_text: (block) => h("div", {}, block.elements.map((element) => richText(element))),
};

function drawElement(element, block, message) {
  if (element.type === "button") return blockButton(element, block, message);
  if (element.type === "image") return picture(element);
  return message.control?.(element, block) ?? stillElement(element, message);
}

/** The part of a rich text; its words are shown as they are. https://docs.slack.dev/reference/block-kit/blocks/rich-text-block */
const richText = (element) =>
  element.type === "rich_text_preformatted" ? h("pre", {}, h("code", {}, element.elements.map(({ text, url }) => text ?? url))) : unknown(element);

/** An image's description instead of it: this page loads nothing from elsewhere. */
const picture = (image) => h("span.picture", { role: "img", "aria-label": image.alt_text }, shown(`🖼 ${image.alt_text}`));

const unknown = (block) => h("p.unknown", {}, `This page draws no blocks of type ${block.type}.`);
