// One open video: its frames with masks, how another source agrees, its timeline, and all that is known of it.

import { byId, h, toast } from "../shared/dom.js";
import { frameSource } from "../shared/frames.js";
import { pictureView } from "../shared/picture.js";
import { playerOf } from "../shared/player.js";
import { curveIn } from "./curve.js";
import { data, DataError } from "./data.js";
import { masksOf } from "./masks.js";
import { panelIn } from "./panel.js";

const MODES = { truth: "Its masks", compared: "Compared", sides: "Side by side", other: "The other" };
const TELL_MS = 200;
const MASKS = ["filled", "edges", "hidden"];

/** A canvas without the listeners of the video before. */
const fresh = (id) => {
  const old = byId(id);
  const canvas = old.cloneNode(false);
  old.replaceWith(canvas);
  return canvas;
};

/**
 * Opens a video on the page. `others` are all other sources, `metrics` those of a report; `asked` is {frame, view, other} of the address; `onState({frame, view,
 * other})` hears what the address should say. Resolves to {commands, close, id}, or to null if `isWanted()` is false when the video is read, because the page
 * shows something else by then.
 */
export async function openVideo(id, { others, metrics, row, asked, isWanted, onState }) {
  const video = await data.video(id);
  let otherNumber = video.others.includes(asked.other) ? asked.other : (video.others[0] ?? null);
  let other = otherNumber === null ? null : await data.other(id, otherNumber);
  if (!isWanted()) return null;
  let masks = masksOf(video, other);
  const hidden = new Set();
  const ui = { mode: "truth", masks: "filled", frame: 0, closed: false };
  const has = () => other !== null && !other.problems.length;
  ui.mode = MODES[asked.view] && (asked.view === "truth" || has()) ? asked.view : has() ? "compared" : "truth";
  const frames = video.kept ?? null; // of a folder that does not hold all of them

  const scoreAt = () => new Map((other?.frames ?? []).map((frame, place) => [frame, { j: other.j[place], f: other.f[place] }]));
  let scores = scoreAt();
  let worst = worstFirst();
  let worstPlace = 0;

  // --- Pictures ------------------------------------------------------------------------------------------------------

  let following = false;
  let telling = null;
  const follow = (view) => (moved) => {
    if (following || ui.mode !== "sides" || !view()) return;
    following = true;
    view().restore(moved.state);
    following = false;
  };
  let first, second;
  first = pictureView(fresh("picture"), { onDraw: drawn, onView: follow(() => second) });
  second = pictureView(fresh("other-picture"), { onView: follow(() => first) });
  for (const view of [first, second]) view.setSize(video.height, video.width, video.rotation);
  for (const [name, view] of [["picture", first], ["other-picture", second]]) moveWith(byId(name), view);
  const source = frameSource({ fetchFrame: (index, exact, how) => data.fetchFrame(id, index, exact, how), count: video.num_frames, height: video.height, width: video.width });
  const player = playerOf({
    source,
    times: video.times.length ? video.times : Array.from({ length: video.num_frames }, (_, frame) => frame / (video.fps || 25)),
    onShow: ({ frame }) => ui.closed || show(frame),
    onTrouble: (message) => toast(message, "bad"),
    onState: () => bars(),
  });

  function show(frame) {
    ui.shown = frame;
    const { index } = frame;
    const marks = { truth: () => masks.objects(index, hidden), sides: () => masks.objects(index, hidden), compared: () => masks.compared(index, hidden), other: () => masks.other(index) }[ui.mode]();
    const style = { fill: ui.masks === "filled", marks: ui.masks !== "hidden" };
    first.setStyle(style);
    first.show({ frame, marks });
    if (ui.mode === "sides") {
      second.setStyle(style);
      second.show({ frame, marks: masks.other(index) });
    }
  }

  /** In the task that draws the picture: its number changes with it. */
  function drawn(scene) {
    if (ui.closed || !scene?.frame) return;
    const { index, exact } = scene.frame;
    ui.frame = index;
    player.drew(index);
    byId("picture-box").dataset.frame = String(index);
    byId("frame-number").textContent = String(index);
    byId("frame-count").textContent = `of ${video.num_frames - 1}${frames ? `, ${frames.length} frames are here` : ""}`;
    byId("frame-time").textContent = `${video.times.length ? `${video.times[index].toFixed(3)} s` : ""}${exact ? " · exact" : ""}${data.isStatic ? " · preview" : ""}`;
    const score = scores.get(index);
    byId("frame-score").textContent = score ? `J ${score.j.toFixed(2)}  F ${score.f.toFixed(2)}` : isAnnotated(index) ? areaWords(index) : "not annotated";
    timelineElement.setAttribute("aria-valuenow", String(index));
    timelineElement.setAttribute("aria-valuetext", `Frame ${index} of ${video.num_frames - 1}`);
    timeline.redraw();
    panel.frame(index);
    tell();
  }

  const areas = new Map(video.areas);
  const areaWords = (index) => `${(((areas.get(index) ?? 0) * 100) / (video.height * video.width)).toFixed(2)} % marked`;
  const isAnnotated = (index) => video.annotated.some(([from, to]) => from <= index && index <= to);

  function worstFirst() {
    let ordered;
    if (has()) {
      const places = other.frames.map((_, place) => place).filter((place) => other.either[place]);
      ordered = places.sort((a, b) => other.j[a] + other.f[a] - other.j[b] - other.f[b] || a - b).map((place) => other.frames[place]);
    } else ordered = [...video.areas].sort((a, b) => b[1] - a[1] || a[0] - b[0]).map(([frame]) => frame);
    return frames ? ordered.filter((frame) => frames.includes(frame)) : ordered;
  }

  /** The frame to go to: of a folder that does not hold all, the next one that it holds. */
  function there(index, direction) {
    const wanted = Math.max(0, Math.min(video.num_frames - 1, index));
    if (!frames || frames.includes(wanted)) return wanted;
    const beyond = direction < 0 ? frames.findLast((frame) => frame < wanted) : frames.find((frame) => frame > wanted);
    return beyond ?? (direction < 0 ? frames[0] : frames.at(-1));
  }

  const go = (index, direction = 1) => (player.stop(), player.show(there(index, direction), direction));

  function step(by, isRepeat) {
    if (!frames) player.step(by, isRepeat);
    else go(player.wanted + by, Math.sign(by));
  }

  function goWorst(by) {
    if (!worst.length) return toast("No frame of this video is marked.");
    worstPlace = ui.frame === worst[worstPlace] ? (worstPlace + by + worst.length) % worst.length : 0;
    go(worst[worstPlace]);
  }

  // --- What stands around the picture --------------------------------------------------------------------------------

  const timelineElement = fresh("timeline");
  timelineElement.setAttribute("aria-valuemax", String(video.num_frames - 1));
  const timeline = curveIn(timelineElement, { look: timelineData, onSeek: (frame) => go(frame) });
  const panel = panelIn(byId("panel"), {
    video, row, metrics, masks: () => masks, others, hidden,
    onHidden: () => ui.shown && (show(ui.shown), timeline.redraw()),
    onVerify: data.verify && verify,
  });
  const viewBar = byId("view-bar");
  const transport = byId("transport");

  function timelineData() {
    const objects = video.objects.map(({ object_id: object }) => ({ name: `${object}`, colour: masks.colours.get(object), frames: new Set(video.masks.frame_index.filter((_, place) => video.masks.object_id[place] === object)) }));
    const rows = has() ? [...objects, { name: "other", colour: [240, 228, 66], frames: masks.otherFrames }] : objects;
    let curves = [];
    let most = 1;
    if (has()) {
      curves = [{ name: "J", colour: "#56b4e9", frames: other.frames, values: other.j }, { name: "F", colour: "#e8a33d", dashed: true, frames: other.frames, values: other.f }];
    } else {
      const seen = [];
      for (const [from, to] of video.annotated) for (let frame = from; frame <= to; frame++) seen.push(frame);
      const values = seen.map((frame) => ((areas.get(frame) ?? 0) * 100) / (video.height * video.width));
      most = Math.max(0, ...values);
      curves = [{ name: "area", colour: "#d55e00", frames: seen, values }];
    }
    return { count: video.num_frames, frame: ui.frame, curves, most, unit: has() ? "" : " %", annotated: video.annotated, rows };
  }

  function bars() {
    const button = (words, command, { pressed, title, disabled } = {}) => h("button", { type: "button", class: "small", "data-command": command, title, disabled, "aria-pressed": pressed === undefined ? null : String(pressed) }, words);
    const modes = has() ? Object.entries(MODES).map(([mode, words]) => button(words, `mode-${mode}`, { pressed: ui.mode === mode })) : [];
    const names = video.others.length > 1 ? h("select", { "aria-label": "Compare with", onchange: (event) => choose(Number(event.target.value)) }, video.others.map((number) => h("option", { value: String(number), selected: number === otherNumber }, others[number].name))) : null;
    const parts = [
      modes,
      names,
      h("span", { class: "gap" }),
      button(`Masks: ${ui.masks}`, "masks", { title: "Filled, only their edges, hidden (M)" }),
      button("−", "smaller", { title: "Smaller (-)" }), button("+", "larger", { title: "Larger (+)" }), button("Whole", "fit", { title: "Whole picture (Z)" }),
      data.isStatic ? null : button(player.options.exact ? "Exact pixels" : "Fast", "exact", { pressed: player.options.exact, title: "Exact pixels as PNG, or fast as JPEG (X)" }),
    ];
    keepFocus(viewBar, parts);
    keepFocus(transport, [
      button("|‹", "first-frame", { title: "First frame (Home)" }), button("‹", "previous-frame", { title: "Previous frame (←)" }),
      button(player.playing ? "Stop" : "Play", "play", { title: "Space", disabled: Boolean(frames) }),
      button("›", "next-frame", { title: "Next frame (→)" }), button("›|", "last-frame", { title: "Last frame (End)" }),
      button("Worst frame", "worst", { title: "The worst frame, then the next worst (W)", disabled: !worst.length }),
      h("label", { class: "line go-to" }, h("span", { class: "faint" }, "Frame"), h("input", { id: "go-to", type: "number", min: "0", max: String(video.num_frames - 1), "aria-label": "Go to a frame by its number", onchange: (event) => event.target.value !== "" && go(Number(event.target.value)) })),
      h("span", { class: "gap" }),
      h("span", { class: "legend faint" }, legend()),
    ]);
    const problem = other?.problems.length ? other.problems[0] : null;
    panel.other(other === null ? null : { name: others[otherNumber].name, kind: others[otherNumber].kind, problem, comparison: other });
  }

  function legend() {
    if (has()) return [h("i", { class: "line-j" }), "J", h("i", { class: "line-f" }), "F of each frame"];
    return [h("i", { class: "line-area" }), "marked share of each frame"];
  }

  /** Puts parts into a bar; the button that was pressed keeps the focus. */
  function keepFocus(bar, parts) {
    const { activeElement } = document;
    const command = bar.contains(activeElement) ? activeElement.dataset.command : null;
    if (bar.contains(activeElement) && !command) return; // somebody types
    bar.replaceChildren(...parts.flat().filter(Boolean));
    if (command) bar.querySelector(`[data-command="${command}"]`)?.focus();
  }

  function setMode(mode) {
    if (!has() || !MODES[mode]) return;
    ui.mode = mode;
    layout();
    bars();
    if (ui.shown) show(ui.shown);
    tell();
  }

  function layout() {
    const sides = ui.mode === "sides";
    byId("other-box").hidden = !sides;
    byId("picture-name").hidden = !sides;
    byId("picture-name").textContent = "Source";
    byId("other-name").textContent = others[otherNumber]?.name ?? "";
    document.body.classList.toggle("sides", sides);
    first.fit();
    if (sides) requestAnimationFrame(() => (first.fit(), second.fit()));
  }

  async function choose(number) {
    try {
      const nextOther = await data.other(id, number);
      if (ui.closed) return;
      [other, otherNumber] = [nextOther, number];
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      return toast(error.message, "bad");
    }
    masks = masksOf(video, other);
    scores = scoreAt();
    worst = worstFirst();
    if (!has()) ui.mode = "truth";
    layout();
    document.activeElement?.blur();
    bars();
    if (ui.shown) show(ui.shown);
  }

  async function verify() {
    if (!data.verify) return toast("A folder of files cannot verify: run explore on the source itself.");
    panel.verified({ running: true });
    try {
      panel.verified(await data.verify(id));
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      panel.verified({ findings: [error.message] });
    }
  }

  /** Browsers take only so many addresses a second: the last one of a moment is told. */
  function tell() {
    clearTimeout(telling);
    telling = setTimeout(() => ui.closed || onState({ frame: ui.frame, view: has() && ui.mode !== "compared" ? ui.mode : null, other: otherNumber }), TELL_MS);
  }

  layout();
  bars();
  const asks = Number.isInteger(asked.frame) && asked.frame >= 0 && asked.frame < video.num_frames;
  // The worst frame first; without a mask the beginning.
  player.show(there(asks ? asked.frame : (worst[0] ?? 0), 1));
  byId("picture").focus({ preventScroll: true });

  const modes = Object.keys(MODES);
  return {
    id,
    video,
    commands: {
      "next-frame": (repeat) => step(1, repeat),
      "previous-frame": (repeat) => step(-1, repeat),
      "ten-on": (repeat) => step(10, repeat),
      "ten-back": (repeat) => step(-10, repeat),
      "first-frame": () => go(0),
      "last-frame": () => go(video.num_frames - 1, -1),
      worst: () => goWorst(1),
      "worst-back": () => goWorst(-1),
      play: () => !frames && (player.stop() || player.play()),
      "go-to": () => byId("go-to").focus(),
      masks: () => {
        ui.masks = MASKS[(MASKS.indexOf(ui.masks) + 1) % MASKS.length];
        bars();
        if (ui.shown) show(ui.shown);
      },
      compare: () => (has() ? setMode(modes[(modes.indexOf(ui.mode) + 1) % modes.length]) : toast("No other given source has this video.")),
      ...Object.fromEntries(modes.map((mode) => [`mode-${mode}`, () => setMode(mode)])),
      "next-other": () => video.others.length > 1 && choose(video.others[(video.others.indexOf(otherNumber) + 1) % video.others.length]),
      larger: () => first.zoom(1.25),
      smaller: () => first.zoom(0.8),
      fit: () => (first.fit(), second.fit()),
      exact: () => !data.isStatic && player.setOptions({ exact: !player.options.exact }),
      verify,
    },
    /** Goes to a frame that the address names. */
    show: (index) => index !== ui.frame && go(index),
    close() {
      ui.closed = true;
      for (const view of [first, second]) view.show(null); // its bitmaps are gone
      player.close();
      document.body.classList.remove("sides");
      delete byId("picture-box").dataset.frame;
    },
  };
}

/** Drags and zooms a picture with mouse and fingers. */
function moveWith(canvas, view) {
  let last = null;
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    last = event;
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!last) return;
    view.pan(event.clientX - last.clientX, event.clientY - last.clientY);
    last = event;
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (last = null));
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const { left, top } = canvas.getBoundingClientRect();
    const moved = event.deltaMode === 1 ? event.deltaY * 30 : event.deltaY;
    view.zoom(Math.exp(-moved * 0.0016), { x: event.clientX - left, y: event.clientY - top });
  }, { passive: false });
}
