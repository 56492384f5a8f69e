// All keys of the page in one list, for the help sheet, the tooltips of buttons and the table in docs/annotate.md.

import { pressed } from "../shared/keyboard.js";

/** [group, [[keys, what happens, command]...]]. Several keys of one command are separated by a space. */
export const KEYS = [
  ["Frames", [
    ["ArrowRight", "Next frame", "next-frame"],
    ["ArrowLeft", "Previous frame", "previous-frame"],
    ["Shift+ArrowRight", "Ten frames on", "ten-on"],
    ["Shift+ArrowLeft", "Ten frames back", "ten-back"],
    ["Home", "First frame", "first-frame"],
    ["End", "Last frame", "last-frame"],
    ["Space", "Play, stop", "play"],
    [".", "Next frame that a person marked", "next-marked"],
    [",", "Previous frame that a person marked", "previous-marked"],
    ["U", "Next frame that was not seen yet", "next-unseen"],
    ["J", "Go to a frame by its number", "go-to"],
  ]],
  ["Picture", [
    ["+ =", "Larger", "larger"],
    ["-", "Smaller", "smaller"],
    ["Z", "Whole picture", "fit"],
    ["X", "Exact pixels (PNG), or fast (JPEG)", "exact"],
    ["O", "Previous frame over this one", "onion"],
    ["K", "Flicker between the previous frame and this one", "flicker"],
    ["M", "Masks: shown, only their edges, hidden", "masks"],
    ["I", "Hide or show this object", "hide-object"],
    ["Alt+ArrowRight Alt+ArrowLeft Alt+ArrowUp Alt+ArrowDown", "Move the cross (with Shift: one pixel)", "move-cross"],
    ["Enter", "Click at the cross; close the polygon", "click-cross"],
  ]],
  ["Mark", [
    ["V", "Move the picture", "tool-move"],
    ["B", "Box around what is broken", "tool-box"],
    ["A", "Click: this belongs to it", "tool-plus"],
    ["S", "Click: this does not belong to it", "tool-minus"],
    ["G", "Polygon", "tool-polygon"],
    ["Shift+G", "Polygon that cuts away", "tool-cut"],
    ["D", "Brush", "tool-brush"],
    ["E", "Eraser", "tool-eraser"],
    ["[", "Smaller brush", "thinner"],
    ["]", "Larger brush", "thicker"],
    ["N", "New object", "new-object"],
    ["Shift+N", "The object is not on this frame", "not-here"],
    ["W", "Next object", "next-object"],
    ["Q", "Previous object", "previous-object"],
    ["1", "It is broken by motion", "type-1"],
    ["2", "It is broken by deformation", "type-2"],
    ["3", "It is broken by blur", "type-3"],
    ["Y", "Accept the mask on this frame as mine", "accept"],
    ["Shift+Y", "Accept this object's masks on all frames", "accept-all"],
    ["Escape", "Stop: polygon, playing, propagating", "escape"],
  ]],
  ["Propagate and tidy", [
    ["F", "Propagate forwards", "forward"],
    ["R", "Propagate backwards", "backward"],
    ["Shift+F", "Propagate over the range", "over-range"],
    ["P", "Range starts here", "range-start"],
    ["Shift+P", "Range ends here", "range-end"],
    ["L", "Lock this frame, unlock it", "lock"],
    ["Shift+L", "Lock all frames of the range, unlock them", "lock-range"],
    ["C", "Show stray pixels and holes", "specks"],
    ["Shift+C", "Remove them on this frame", "clean"],
    ["Delete Backspace", "Delete the mask on this frame", "delete-frame"],
    ["Shift+Delete Shift+Backspace", "Delete the masks from here on", "delete-onward"],
    ["Ctrl+Delete Ctrl+Backspace", "Delete the object everywhere", "delete-everywhere"],
    ["Ctrl+Z", "Undo", "undo"],
    ["Ctrl+Y Ctrl+Shift+Z", "Redo", "redo"],
  ]],
  ["Video", [
    ["0", "Nothing is wrong with this video", "normal"],
    ["Ctrl+Enter", "Finish: send to review (as reviewer: approve)", "finish"],
    ["Ctrl+Shift+Enter", "As reviewer: give back with a note", "reject"],
    ["H", "Note: this frame is in doubt", "dispute"],
    ["T", "All masks as one strip", "strip"],
    ["PageDown", "Next unfinished video", "next-video"],
    ["?", "This help", "help"],
  ]],
];

const SIGNS = { ArrowRight: "→", ArrowLeft: "←", ArrowUp: "↑", ArrowDown: "↓", Escape: "Esc", PageDown: "Page down" };
const commands = new Map();
const shown = new Map();
for (const [, rows] of KEYS) {
  for (const [keys, , command] of rows) {
    for (const key of keys.split(" ")) commands.set(key, command);
    shown.set(command, nameOf(keys.split(" ")[0]));
  }
}

/** A key as a person reads it: "Shift + →". */
export function nameOf(key) {
  if (key === "+") return "+";
  return key.split("+").map((part) => SIGNS[part] ?? part).join(" + ");
}

/** The first key of a command as a person reads it, or "". */
export const keyOf = (command) => shown.get(command) ?? "";

/** The command of a keyboard event, or undefined. */
export const commandOf = (event) => commands.get(pressed(event));
