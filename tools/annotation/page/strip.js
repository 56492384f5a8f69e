// All masks of a video as one strip of small frames, in which a reviewer looks for mistakes.

import { css } from "../shared/colours.js";
import { fillOf } from "../shared/marks.js";
import { uprightOf } from "../shared/picture.js";
import { frameUrl } from "./api.js";
import { byId, count, fillWith, h } from "../shared/dom.js";
import { framesToReview } from "./model.js";

const THUMB_PX = 150;
const LOOK_MS = 350; // so long a mask is in sight until it counts as looked at

/** The strip of an editor in `box`: {toggle(on), refresh(), close()}. */
export function stripIn(box, editor) {
  const { video, ui, player } = editor;
  let built = null; // what the strip shows, as text
  let thumbs = new Map(); // frame → {key, element}: those that did not change stay as they are painted
  let watcher = null;
  const timers = new Map();

  function toggle(on = !ui.strip) {
    ui.strip = on;
    byId("picture-box").hidden = on;
    box.hidden = !on;
    player.stop();
    if (on) {
      built = null;
      refresh();
      box.querySelector(".here, .thumb")?.focus();
    } else clear();
    editor.refresh();
  }

  function clear() {
    watcher?.disconnect();
    watcher = null;
    for (const timer of timers.values()) clearTimeout(timer);
    timers.clear();
    fillWith(box);
    thumbs = new Map();
    built = null;
  }

  /** Builds the strip again if masks were added or removed; small frames are drawn when they become visible. */
  function refresh() {
    if (!ui.strip) return;
    const frames = framesToReview(video);
    const keys = frames.map(keyOf);
    const now = keys.join(" ");
    if (now === built) return;
    built = now;
    watcher ??= new IntersectionObserver(inSight, { root: box, threshold: 0.6 });
    const { scrollTop } = box;
    const earlier = thumbs;
    thumbs = new Map();
    const items = [];
    let before = -1;
    frames.forEach((frame, place) => {
      if (frame > before + 1) items.push(h("span", { class: "gap-note" }, `${count(frame - before - 1, "frame")} without masks`));
      before = frame;
      const known = earlier.get(frame);
      const element = known?.key === keys[place] ? known.element : thumb(frame);
      thumbs.set(frame, { key: keys[place], element });
      items.push(element);
    });
    if (!frames.length) items.push(h("p", { class: "faint empty" }, "This video has no masks."));
    else if (before < video.state.num_frames - 1) items.push(h("span", { class: "gap-note" }, `${count(video.state.num_frames - 1 - before, "frame")} without masks`));
    fillWith(box, items);
    watcher.disconnect();
    for (const { element } of thumbs.values()) watcher.observe(element);
    box.scrollTop = scrollTop;
  }

  /** All values that a small frame shows. */
  function keyOf(frame) {
    const masks = [...(video.byFrame.get(frame) ?? [])].map(([id, mask]) => `${id}${ui.hidden.has(id) ? "h" : ""}${mask.keyframe ? "k" : ""}${editor.colours.get(id)}:${mask.counts}`);
    const open = video.state.notes.some((note) => note.open && note.frame_index === frame);
    return `${frame}${video.isLocked(frame) ? "l" : ""}${open ? "n" : ""}|${masks.join(",")}`;
  }

  function thumb(frame) {
    const { width, height, rotation, num_frames: number } = video.state;
    const masks = video.byFrame.get(frame) ?? new Map();
    const open = video.state.notes.some((note) => note.open && note.frame_index === frame);
    const upright = uprightOf(rotation, height, width);
    const canvas = h("canvas", { height: THUMB_PX, width: Math.max(1, Math.round((THUMB_PX * upright.width) / upright.height)), "aria-hidden": "true" });
    const keyframe = [...masks.values()].some((mask) => mask.keyframe);
    return h("button", {
      type: "button",
      class: `thumb ${frame === ui.frame?.index ? "here" : ""} ${ui.looked.has(frame) ? "looked" : ""}`,
      "data-frame": frame,
      "aria-label": `Frame ${frame} of ${number}: ${[...masks.keys()].map((id) => `object ${id}`).join(", ") || "no mask"}${open ? ", in doubt" : ""}`,
      onclick: () => {
        toggle(false);
        player.show(frame);
      },
    }, canvas, h("span", { class: "thumb-foot" }, h("b", {}, String(frame)), keyframe && h("i", { class: "sign-keyframe", title: "marked by a person" }), video.isLocked(frame) && h("i", { class: "sign-locked", title: "locked" }), open && h("i", { class: "sign-disputed", title: "in doubt" }), h("i", { class: "tick", title: "looked at" })));
  }

  function inSight(entries) {
    for (const { target, isIntersecting } of entries) {
      const frame = Number(target.dataset.frame);
      clearTimeout(timers.get(frame));
      timers.delete(frame);
      if (!isIntersecting) continue;
      paint(target, frame).then((painted) => {
        if (painted && target.isConnected) timers.set(frame, setTimeout(() => looked(target, frame), LOOK_MS));
      });
    }
  }

  function looked(target, frame) {
    timers.delete(frame);
    if (!target.isConnected || ui.looked.has(frame)) return;
    ui.looked.add(frame);
    target.classList.add("looked");
    editor.refresh();
  }

  /** Draws the small frame with its masks. Returns whether it could. */
  async function paint(target, frame) {
    if (target.dataset.painted) return true;
    const canvas = target.querySelector("canvas");
    const picture = new Image();
    picture.src = frameUrl(video.id, frame, false, { height: THUMB_PX, version: video.state.sha256.slice(0, 8) });
    try {
      await picture.decode();
    } catch {
      target.classList.add("broken");
      return false;
    }
    const context = canvas.getContext("2d");
    const { height, width, rotation } = video.state;
    const upright = uprightOf(rotation, height, width);
    const scale = canvas.height / upright.height;
    context.setTransform(...upright.matrix.map((value) => value * scale));
    context.drawImage(picture, 0, 0, width, height);
    for (const { object_id: id } of video.state.objects) {
      const mark = ui.hidden.has(id) ? null : video.mark(id, frame);
      if (!mark?.box) continue;
      const colour = editor.colours.get(id);
      const { x0, y0, x1, y1 } = mark.box;
      context.globalAlpha = 0.45;
      context.drawImage(fillOf(mark, colour, 1), x0, y0);
      context.globalAlpha = 1;
      // A frame of corners, so that masks of a few pixels are visible too.
      context.strokeStyle = css(colour);
      context.lineWidth = 1.5 / scale;
      context.strokeRect(x0 - 3 / scale, y0 - 3 / scale, x1 - x0 + 6 / scale, y1 - y0 + 6 / scale);
    }
    target.dataset.painted = "yes";
    return true;
  }

  return { toggle, refresh, close: () => (clear(), (box.hidden = true), (byId("picture-box").hidden = false)) };
}
