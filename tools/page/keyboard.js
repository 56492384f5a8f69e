// Which key an event is, in the words of the pages' lists of keys.

/** The key of a keyboard event as the lists have it: "J", "Shift+ArrowLeft", "Ctrl+Z", "?". */
export function pressed(event) {
  // ⌘ on a Mac is what Ctrl is elsewhere.
  const control = event.ctrlKey || event.metaKey;
  let key = event.key === " " ? "Space" : event.key;
  // On keyboards of other scripts the letter keys count by their place.
  if (key.length === 1 && key > "\x7f" && /^Key[A-Z]$/.test(event.code)) key = event.code[3];
  const letter = /^[a-z]$/i.test(key);
  const named = key.length > 1;
  if (letter) key = key.toUpperCase();
  if (event.altKey) return `Alt+${key}`;
  // Signs have Shift in them on some keyboards.
  const shift = event.shiftKey && (letter || named);
  return `${control ? "Ctrl+" : ""}${shift ? "Shift+" : ""}${key}`;
}
