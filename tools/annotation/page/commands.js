// The commands of keys and buttons in an open video.

import { byId, toast } from "../shared/dom.js";
import { firstOutside } from "./ranges.js";

const TOOL_NAMES = ["move", "box", "plus", "minus", "polygon", "cut", "brush", "eraser"];
const MASK_STYLES = ["full", "edges", "hidden"];

/** A map from command to a function of (value, event). */
export function commandsOf(editor) {
  const { video, ui, view, drawing, player, acts, strip } = editor;
  const last = video.state.num_frames - 1;
  const here = () => ui.frame?.index ?? player.wanted;
  const show = (frame, direction = 1) => (player.stop(), player.show(frame, direction));
  const step = (by) => (value, event) => player.step(by, Boolean(event?.repeat));

  function marked(direction) {
    const frames = video.keyframes();
    const next = direction > 0 ? frames.find((frame) => frame > player.wanted) : frames.findLast((frame) => frame < player.wanted);
    if (next === undefined) toast(direction > 0 ? "No frame after this one was marked by a person." : "No frame before this one was marked by a person.");
    else show(next, direction);
  }

  function object(direction) {
    const ids = video.state.objects.map(({ object_id: id }) => id);
    if (!ids.length) return toast("There is no object yet.");
    acts.select(ids[(ids.indexOf(ui.selected) + direction + ids.length) % ids.length]);
  }

  function setRange(end, frame) {
    const [first, until] = ui.range ?? [end ? 0 : frame, end ? frame : last];
    const range = end ? [first, frame] : [frame, until];
    ui.range = range[0] <= range[1] ? range : [frame, frame];
    editor.refresh();
  }

  function cycleMasks() {
    ui.masks = MASK_STYLES[(MASK_STYLES.indexOf(ui.masks) + 1) % MASK_STYLES.length];
    view.setStyle({ fill: ui.masks === "full", marks: ui.masks !== "hidden" });
    editor.refresh();
  }

  function hide(value) {
    const id = value === undefined ? ui.selected : Number(value);
    if (id === null) return;
    if (!ui.hidden.delete(id)) ui.hidden.add(id);
    editor.changed(["view"]);
  }

  function escape() {
    if (drawing.escape()) return;
    if (player.stop()) return;
    if (video.running) return acts.cancel();
    if (player.flickers) return player.setFlicker(false);
    if (ui.strip) return strip.toggle(false);
    if (ui.range) {
      ui.range = null;
      editor.refresh();
    }
  }

  function moveCross(value, event) {
    const [dx, dy] = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key];
    drawing.moveCross(dx, dy, event.shiftKey);
  }

  /** The action, if masks may be changed now; otherwise shows why not. */
  const edit = (action) => (...given) => {
    const why = video.notEditable;
    if (why) return toast(why);
    return action(...given);
  };

  const commands = {
    "next-frame": step(1),
    "previous-frame": step(-1),
    "ten-on": step(10),
    "ten-back": step(-10),
    "first-frame": () => show(0),
    "last-frame": () => show(last, -1),
    play: () => player.stop() || player.play(Number(byId("speed").value)),
    "next-marked": () => marked(1),
    "previous-marked": () => marked(-1),
    "next-unseen": () => {
      const frame = firstOutside(video.state.seen, player.wanted, last + 1);
      if (frame === null) toast("You have seen all frames.", "good");
      else show(frame);
    },
    "go-to": () => (byId("go-to").focus(), byId("go-to").select()),
    larger: () => view.zoom(1.25),
    smaller: () => view.zoom(0.8),
    fit: () => view.fit(),
    exact: () => player.setOptions({ exact: !player.options.exact }).then(editor.refresh),
    onion: () => player.setOptions({ onion: !player.options.onion }).then(editor.refresh),
    flicker: () => (player.stop(), player.setFlicker(!player.flickers).then(editor.refresh)),
    masks: cycleMasks,
    "hide-object": hide,
    "move-cross": moveCross,
    "click-cross": () => drawing.clickCross(),
    thinner: () => (drawing.setRadius(drawing.radius / 1.3), editor.refresh()),
    thicker: () => (drawing.setRadius(drawing.radius * 1.3), editor.refresh()),
    "new-object": edit(acts.newObject),
    "select-object": (value) => acts.select(Number(value)),
    "next-object": () => object(1),
    "previous-object": () => object(-1),
    accept: edit(() => acts.accept(here(), here())),
    "accept-all": edit(() => acts.accept(0, last)),
    escape,
    forward: edit(() => acts.propagate(here(), last)),
    backward: edit(() => acts.propagate(here(), 0)),
    "over-range": edit(() => acts.propagateRange(...(ui.range ?? [here(), last]))),
    "range-start": () => setRange(false, here()),
    "range-end": () => setRange(true, here()),
    lock: edit(() => acts.lock(here(), here())),
    "lock-range": edit(() => (ui.range ? acts.lock(...ui.range) : toast("Set the range first: press P at its start and Shift + P at its end."))),
    "not-here": edit(acts.notHere),
    specks: () => ((ui.specks = !ui.specks), editor.refresh()),
    clean: edit(() => acts.clean(here(), here())),
    "clean-all": edit(() => acts.clean(0, last)),
    "delete-frame": edit(() => drawing.undoCorner() || acts.delete("frame")),
    "delete-onward": edit(() => acts.delete("onward")),
    "delete-everywhere": edit(() => acts.delete("everywhere")),
    undo: edit(() => drawing.undoCorner() || acts.undo()),
    redo: edit(acts.redo),
    normal: edit(acts.normal),
    finish: () => (video.state.status === "submitted" ? acts.finish() : edit(acts.finish)()),
    reject: acts.reject,
    dispute: acts.dispute,
    resolve: (value) => acts.resolve(Number(value)),
    withdraw: acts.withdraw,
    reopen: acts.reopen,
    "accept-video": acts.acceptVideo,
    strip: () => strip.toggle(),
    "next-video": () => editor.app.openNext(video.id),
    "take-over": () => video.askForLock({ take: true }),
    "try-lock": () => video.askForLock(),
  };
  for (const tool of TOOL_NAMES) {
    commands[`tool-${tool}`] = () => {
      if (video.readOnly && tool !== "move") toast(video.readOnly);
      drawing.setTool(video.readOnly ? "move" : tool);
      editor.refresh();
    };
  }
  editor.app.artifactTypes.forEach((type, index) => (commands[`type-${index + 1}`] = edit(() => acts.setType(type))));
  return commands;
}

/** The handlers of input fields, by their data-change. */
export function changesOf(editor) {
  const { ui, player, acts, video } = editor;
  const last = video.state.num_frames - 1;
  const frameOf = (field) => Math.max(0, Math.min(last, Math.round(Number(field.value)) || 0));
  return {
    subtype: (field) => acts.setSubtype(field.value || null),
    "range-start": (field) => setRange(frameOf(field), ui.range?.[1] ?? last),
    "range-end": (field) => setRange(ui.range?.[0] ?? ui.frame.index, frameOf(field)),
    "selected-only": (field) => ((ui.selectedOnly = field.checked), editor.refresh()),
    "speck-limit": (field) => ((ui.speckLimit = Math.max(1, Math.round(Number(field.value)) || 1)), editor.refresh()),
    "go-to": (field) => {
      player.stop();
      player.show(frameOf(field));
    },
  };

  function setRange(first, until) {
    ui.range = first <= until ? [first, until] : [until, first];
    editor.refresh();
  }
}
