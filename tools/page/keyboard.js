// The name of the key of an event, as in the pages' lists of keys.

/** The key of a keyboard event as in the lists: "J", "Shift+ArrowLeft", "Ctrl+Z", "?". */
export function pressed(event) {
  // ⌘ on a Mac counts as Ctrl.
  const control = event.ctrlKey || event.metaKey;
  let key = event.key === " " ? "Space" : event.key;
  // On keyboards of other scripts, letter keys are recognised by their position.
  if (key.length === 1 && key > "\x7f" && /^Key[A-Z]$/.test(event.code)) key = event.code[3];
  const letter = /^[a-z]$/i.test(key);
  const named = key.length > 1;
  if (letter) key = key.toUpperCase();
  if (event.altKey) return `Alt+${key}`;
  // On some keyboards, signs need Shift.
  const shift = event.shiftKey && (letter || named);
  return `${control ? "Ctrl+" : ""}${shift ? "Shift+" : ""}${key}`;
}
