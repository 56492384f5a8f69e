// The bars around the picture: tools at its side, how it is shown above it, frames and playing below it.

import { byId, fillWith, h, icon } from "../shared/dom.js";
import { TOOLS } from "./drawing.js";
import { keyOf } from "./keys.js";
import { commandButton } from "./panel.js";

/** Builds a bar again only if its model has changed; the focus stays. */
function fill(bar, model, build) {
  const signature = JSON.stringify(model);
  if (bar.dataset.signature === signature) return;
  bar.dataset.signature = signature;
  const keep = document.activeElement?.closest(`#${bar.id}`) && document.activeElement.dataset.keep;
  fillWith(bar, ...build(model));
  if (keep) bar.querySelector(`[data-keep="${CSS.escape(keep)}"]`)?.focus({ preventScroll: true });
}

export function showTools({ video, drawing }) {
  const { undo, redo } = video.state;
  const editable = video.readOnly === null;
  const brush = drawing.tool === "brush" || drawing.tool === "eraser" ? drawing.radius : null;
  fill(byId("tools"), { tool: drawing.tool, editable, undo, redo, brush }, () => [
    ...TOOLS.map(([tool, words, what]) => commandButton(`tool-${tool}`, words, { picture: tool, kind: "tool", pressed: tool === drawing.tool, disabled: !editable && tool !== "move", tip: what })),
    brush !== null && h("div", { class: "brush-size" },
      commandButton("thinner", "−", { kind: "small", label: "Smaller brush" }), h("output", {}, `${Math.round(2 * brush)} px`), commandButton("thicker", "+", { kind: "small", label: "Larger brush" })),
    h("span", { class: "gap" }),
    commandButton("undo", "Undo", { picture: "undo", kind: "tool", disabled: !undo || !editable, tip: undo ? `Undo: ${undo}` : "Nothing to undo" }),
    commandButton("redo", "Redo", { picture: "redo", kind: "tool", disabled: !redo || !editable, tip: redo ? `Redo: ${redo}` : "Nothing to redo" }),
  ]);
}

export function showViewBar({ ui, player }) {
  const { exact, onion } = player.options;
  fill(byId("view-bar"), { exact, onion, flickers: player.flickers, masks: ui.masks, strip: ui.strip }, () => [
    commandButton("strip", "All masks", { picture: "strip", kind: "small", pressed: ui.strip, tip: "All masks of the video as one strip" }),
    h("span", { class: "gap" }),
    commandButton("exact", "Exact pixels", { kind: "small", pressed: exact, tip: "Exact pixels (PNG): slower, hides no blur" }),
    commandButton("onion", "Previous frame", { kind: "small", pressed: onion, tip: "The previous frame shines through" }),
    commandButton("flicker", "Flicker", { kind: "small", pressed: player.flickers, tip: "Change between the previous frame and this one" }),
    commandButton("masks", { full: "Masks", edges: "Edges", hidden: "No masks" }[ui.masks], { picture: ui.masks === "hidden" ? "eye-off" : "eye", kind: "small", pressed: ui.masks !== "hidden", tip: "Masks, only their edges, or none" }),
    commandButton("smaller", "−", { kind: "small", label: "Smaller" }),
    commandButton("fit", "Fit", { kind: "small", tip: "The whole picture" }),
    commandButton("larger", "+", { kind: "small", label: "Larger" }),
  ]);
}

export function showTransport({ video, player, ui }) {
  const { num_frames: number } = video.state;
  const { wanted } = player;
  const loading = ui.frame?.index !== wanted && !player.flickers;
  fill(byId("transport"), { playing: player.playing, number }, () => [
    commandButton("first-frame", "", { picture: "first", kind: "quiet", label: "First frame" }),
    commandButton("previous-marked", "", { picture: "previous-marked", kind: "quiet", label: "Previous frame that a person marked" }),
    commandButton("previous-frame", "", { picture: "previous", kind: "quiet", label: "Previous frame" }),
    commandButton("play", player.playing ? "Stop" : "Play", { picture: player.playing ? "stop" : "play", kind: "play", pressed: player.playing }),
    commandButton("next-frame", "", { picture: "next", kind: "quiet", label: "Next frame" }),
    commandButton("next-marked", "", { picture: "next-marked", kind: "quiet", label: "Next frame that a person marked" }),
    commandButton("last-frame", "", { picture: "last", kind: "quiet", label: "Last frame" }),
    h("label", { class: "go-to" }, "Frame", h("input", { id: "go-to", type: "number", min: 0, max: number - 1, "data-change": "go-to", "data-keep": "go-to", title: `Go to a frame (${keyOf("go-to")})` }), h("span", {}, `of 0 – ${number - 1}`)),
    h("label", { class: "speed" }, "Speed", h("select", { id: "speed", "data-keep": "speed" }, [["1", "1×"], ["0.5", "½×"], ["0.25", "¼×"], ["0.1", "⅒×"]].map(([value, words]) => h("option", { value, selected: value === String(ui.speed ?? 1) }, words)))),
    h("span", { id: "loading", class: "faint", hidden: true }, "loading…"),
  ]);
  const field = byId("go-to");
  if (document.activeElement !== field) field.value = wanted;
  byId("loading").hidden = !loading;
  const line = byId("timeline");
  line.setAttribute("aria-valuemax", number - 1);
  line.setAttribute("aria-valuenow", wanted);
  const masks = video.byFrame.get(wanted)?.size ?? 0;
  line.setAttribute("aria-valuetext", `Frame ${wanted} of ${number}: ${masks} masks${video.isLocked(wanted) ? ", locked" : ""}${video.isSeen(wanted) ? "" : ", not seen yet"}`);
}

/** One line below the picture: how to use the tool, or that the engine is working. */
export function hintFor({ video, ui, drawing }) {
  const working = byId("working");
  const job = video.running;
  working.hidden = !job && !ui.thinking;
  if (job) working.textContent = `Propagating: ${job.done} of ${job.total} frames. Esc cancels.`;
  else if (ui.thinking) working.textContent = "Looking for the object…";
  const hint = byId("hint");
  const tool = TOOLS.find(([name]) => name === drawing.tool);
  const show = !job && !ui.thinking && video.readOnly === null && !video.state.objects.some((object) => object.num_masks);
  hint.hidden = !show;
  if (show) hint.textContent = tool[2];
}

/** The legend of the timeline. */
export function legend() {
  return [["seen", "seen"], ["marked", "marked"], ["keyframe", "marked by a person"], ["locked", "locked"], ["disputed", "in doubt"], ["range", "range"]].map(([sign, words]) =>
    h("span", {}, h("i", { class: `sign-${sign}` }), words));
}
