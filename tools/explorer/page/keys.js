// Every key of the page: one list, from which the help sheet and the table of docs/explore.md are made.

import { pressed } from "../shared/keyboard.js";

/** [group, [[keys, what happens, command]...]]. Several ways to say the same are parted by a space. */
export const KEYS = [
  ["All videos", [
    ["ArrowRight ArrowLeft ArrowUp ArrowDown", "Go from video to video", "move"],
    ["PageDown PageUp", "A screen on or back", "page"],
    ["Home End", "First or last video", "ends"],
    ["Enter", "Open the video", "open"],
    ["/", "Search", "search"],
    ["J", "Go to a video by its place", "jump"],
    ["F", "Filters", "filters"],
    ["S", "Choose the order", "sort"],
    ["T", "Reverse the order", "turn"],
    ["C", "Remove all filters", "clear"],
    ["R", "The report, where there is one", "report"],
    ["?", "This help", "help"],
  ]],
  ["Report", [
    ["Escape R", "All videos", "back"],
  ]],
  ["One video", [
    ["ArrowRight", "Next frame", "next-frame"],
    ["ArrowLeft", "Previous frame", "previous-frame"],
    ["Shift+ArrowRight", "Ten frames on", "ten-on"],
    ["Shift+ArrowLeft", "Ten frames back", "ten-back"],
    ["Home", "First frame", "first-frame"],
    ["End", "Last frame", "last-frame"],
    ["W", "Worst frame, then the next worst", "worst"],
    ["Shift+W", "The one before", "worst-back"],
    ["Space", "Play, stop", "play"],
    ["J", "Go to a frame by its number", "go-to"],
    ["N", "Next video", "next-video"],
    ["P", "Previous video", "previous-video"],
    ["Escape", "All videos", "back"],
  ]],
  ["Picture", [
    ["M", "Masks: filled, only their edges, hidden", "masks"],
    ["C", "Compare: truth, both in three colours, side by side, the other", "compare"],
    ["O", "Compare with the next of those that were given", "next-other"],
    ["+ =", "Larger", "larger"],
    ["-", "Smaller", "smaller"],
    ["Z", "Whole picture", "fit"],
    ["X", "Exact pixels (PNG), or fast (JPEG)", "exact"],
    ["V", "Verify this video", "verify"],
  ]],
];

const NAMES = { ArrowRight: "→", ArrowLeft: "←", ArrowUp: "↑", ArrowDown: "↓", Escape: "Esc" };

/** How a key is written for people. */
export const nameOf = (keys) => (keys === "+" ? "+" : keys.split("+").map((part) => NAMES[part] ?? part).join(" + "));

/** The command of a key that was pressed in these groups; null when it has none. */
export function commandOf(event, groups) {
  const key = pressed(event);
  for (const [group, rows] of KEYS) {
    if (!groups.includes(group)) continue;
    for (const [keys, , command] of rows) if (keys.split(" ").includes(key)) return command;
  }
  return null;
}
