// The dialog that asks for a note.

import { byId } from "../shared/dom.js";

/** Asks for a note in a dialog; resolves to the text, or to null when the person cancels. */
export function ask({ title, text, label, ok, required = false }) {
  const dialog = byId("ask");
  byId("ask-title").textContent = title;
  byId("ask-text").textContent = text;
  byId("ask-label").textContent = label;
  byId("ask-ok").textContent = ok;
  const note = byId("ask-note");
  note.value = "";
  note.required = required;
  byId("ask-cancel").onclick = () => dialog.close("cancel");
  dialog.returnValue = "cancel";
  dialog.showModal();
  note.focus();
  return new Promise((resolve) => {
    dialog.onclose = () => resolve(dialog.returnValue === "ok" ? note.value.trim() : null);
  });
}
