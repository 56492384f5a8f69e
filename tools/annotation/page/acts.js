// The actions of a person on an open video. Each is sent to the server; if the page can compute the result, it is shown at once.

import { encode } from "../shared/rle.js";
import { session } from "./api.js";
import { clearErrors, count, toast } from "../shared/dom.js";
import { ask } from "./ask.js";
import { framesToReview } from "./model.js";
import { polygonInto, strokeInto } from "./paint.js";

export function actsOf(editor) {
  const { video, ui, player } = editor;
  const waiting = new Map(); // "object frame" → clicks that the engine has not answered yet
  const here = () => ui.frame.index;
  const redraw = () => editor.refresh();

  async function act(action) {
    clearErrors();
    return video.do(action);
  }

  /** The selected object, or a new one if none is selected. Null if the new one was refused. */
  async function selectedObject() {
    if (ui.selected !== null) return ui.selected;
    return newObject();
  }

  async function newObject() {
    const known = new Set(video.state.objects.map((object) => object.object_id));
    if (!(await act({ action: "add-object", artifact_type: null, subtype: null }))) return null;
    const added = video.state.objects.find((object) => !known.has(object.object_id));
    if (added) select(added.object_id);
    return added?.object_id ?? null;
  }

  function select(objectId) {
    ui.selected = objectId;
    ui.hidden.delete(objectId);
    editor.drawing.setColour(editor.colours.get(objectId) ?? [255, 255, 255]);
    editor.changed(["view"]);
  }

  async function prompt(objectId, frame, { clicks, box, keep }) {
    ui.thinking++;
    redraw();
    try {
      return await act({ action: "prompt", object_id: objectId, frame_index: frame, clicks, box, keep_mask: keep });
    } finally {
      ui.thinking--;
      redraw();
    }
  }

  async function draw(objectId, frame, { tool, geometry, change }) {
    if (ui.thinking) return toast("The engine is still looking for the object. Draw when its mask is shown.");
    const { height, width } = video.state;
    const bitmap = video.mark(objectId, frame)?.bitmap.slice() ?? new Uint8Array(height * width);
    change(bitmap, height, width);
    video.showDrawn(objectId, frame, bitmap);
    return act({ action: "draw", object_id: objectId, frame_index: frame, counts: encode(bitmap, height, width), tool, geometry });
  }

  const acts = {
    select,
    newObject,
    /** Clicks on this object and frame that wait for the engine, to be shown at once. */
    waitingClicks: (objectId, frame) => waiting.get(`${objectId} ${frame}`) ?? [],
    async click({ x, y, positive }) {
      const frame = here();
      const objectId = await selectedObject();
      if (objectId === null) return;
      const key = `${objectId} ${frame}`;
      // A rounded position must stay inside the picture.
      const inside = (value, size) => Math.min(size - 0.01, Math.round(value * 100) / 100);
      const click = [inside(x, video.state.width), inside(y, video.state.height), positive ? 1 : 0];
      waiting.set(key, [...(waiting.get(key) ?? []), click]);
      redraw();
      const mask = video.mask(objectId, frame);
      const clicks = [...(mask?.clicks ?? []), ...waiting.get(key)];
      await prompt(objectId, frame, { clicks, box: mask?.box ?? null, keep: Boolean(mask) });
      const rest = (waiting.get(key) ?? []).filter((other) => other !== click);
      if (rest.length) waiting.set(key, rest);
      else waiting.delete(key);
      redraw();
    },
    async box(box) {
      const frame = here();
      const objectId = await selectedObject();
      if (objectId !== null) await prompt(objectId, frame, { clicks: [], box, keep: false });
    },
    async polygon({ points, add }) {
      const frame = here();
      const objectId = await selectedObject();
      if (objectId === null) return;
      await draw(objectId, frame, { tool: "polygon", geometry: { points, add }, change: (bitmap, height, width) => polygonInto(bitmap, height, width, { points, value: add ? 1 : 0 }) });
    },
    async stroke({ points, radius, add }) {
      const frame = here();
      const objectId = await selectedObject();
      if (objectId === null) return;
      if (!add && !video.mark(objectId, frame)) return toast("There is no mask to rub out on this frame.");
      await draw(objectId, frame, {
        tool: add ? "brush" : "eraser",
        geometry: { strokes: [{ radius, points }] },
        change: (bitmap, height, width) => strokeInto(bitmap, height, width, { points, radius, value: add ? 1 : 0 }),
      });
    },
    /** Gives the selected object a type. */
    setType(type) {
      const object = video.state.objects.find(({ object_id: id }) => id === ui.selected);
      if (!object) return toast("Select an object first, or draw a box around one.");
      if (object.artifact_type !== type) return act({ action: "change-object", object_id: ui.selected, artifact_type: type, subtype: null });
    },
    setSubtype(subtype) {
      const object = video.state.objects.find(({ object_id: id }) => id === ui.selected);
      if (object) return act({ action: "change-object", object_id: ui.selected, artifact_type: object.artifact_type, subtype });
    },
    /** Propagates objects with a mask on frame `first` to frame `last`; only the selected one if "only the selected object" is on. */
    async propagate(first, last) {
      if (first === last) return toast(first ? "This is the last frame in this direction." : "There is no frame before this one.");
      const masks = video.byFrame.get(first) ?? new Map();
      const ids = [...masks].filter(([, mask]) => mask.area).map(([id]) => id).filter((id) => !ui.selectedOnly || id === ui.selected);
      if (!ids.length) return toast(`There is no mask on frame ${first} to start from. Mark the object there first.`, "bad");
      return act({ action: "propagate", object_ids: ids, first, last });
    },
    /** Propagates from the shown frame to both ends of a range; if the frame is outside, from the nearer end. */
    async propagateRange(first, last) {
      const seed = Math.min(last, Math.max(first, here()));
      for (const end of [last, first]) {
        if (end === seed) continue;
        const started = await acts.propagate(seed, end);
        if (!started || (await video.jobEnd(started.job.job)) !== "done") return;
      }
    },
    cancel: () => video.running && act({ action: "cancel", job: video.running.job }),
    /** Locks frames, or unlocks them when all of them are locked. */
    lock(first, last) {
      let locked = true;
      for (let frame = first; frame <= last; frame++) locked &&= video.isLocked(frame);
      return act({ action: locked ? "unlock-frames" : "lock-frames", first, last });
    },
    /** Says that the selected object is not on this frame: no engine puts it back there. */
    async notHere() {
      if (ui.selected === null) return toast("Select an object first.");
      const change = (bitmap) => bitmap.fill(0);
      await draw(ui.selected, here(), { tool: "empty", geometry: null, change });
    },
    async delete(scope) {
      const objectId = ui.selected;
      if (objectId === null) return toast("Select an object first.");
      const done = await act({ action: "delete", object_id: objectId, scope, frame_index: here() });
      const words = { frame: `The mask on frame ${here()} is deleted.`, onward: `The masks from frame ${here()} on are deleted.`, everywhere: `Object ${objectId} is deleted.` };
      if (done) toast(`${words[scope]} Ctrl + Z brings back what was there.`);
    },
    accept(first, last) {
      if (ui.selected === null) return toast("Select an object first.");
      return act({ action: "accept", object_id: ui.selected, first, last });
    },
    /** Removes stray parts and holes of the objects that are not hidden. */
    async clean(first, last) {
      clearErrors();
      let done = 0;
      for (const { object_id: objectId, num_masks: number } of video.state.objects) {
        if (ui.hidden.has(objectId) || !number) continue;
        // An object without any is refused, which is nothing to tell.
        if (await video.do({ action: "clean", object_id: objectId, first, last, max_area: ui.speckLimit, what: "both" }, { quiet: true })) done++;
      }
      if (!done) toast("There are no stray pixels and no holes to remove.");
    },
    undo: () => act({ action: "undo" }),
    redo: () => act({ action: "redo" }),
    async normal() {
      if (video.state.objects.some((object) => object.num_masks)) return toast("This video has masks. Delete them first if nothing is wrong.", "bad");
      if (await act({ action: "normal" })) {
        toast(editor.app.apart ? "Nothing is wrong: finished." : "Nothing is wrong: sent to review.", "good");
        await editor.app.openNext(video.id);
      }
    },
    async finish() {
      if (video.state.status === "submitted") return acts.approve();
      editor.sendSeen(); // it goes first
      const done = await act({ action: "submit" });
      if (!done) return;
      toast(editor.app.apart ? "Finished." : "Sent to review.", "good");
    },
    async approve() {
      const left = framesToReview(video).filter((frame) => !ui.looked.has(frame));
      if (left.length) {
        toast(`${count(left.length, "frame")} still to look at, first frame ${left[0]}.`, "bad");
        return player.show(left[0]);
      }
      editor.sendSeen(); // it goes first
      if (!(await act({ action: "approve", note: null }))) return;
      toast("Approved.", "good");
      await editor.app.openNextReview(video.id);
    },
    async reject() {
      if (video.state.status !== "submitted" || video.state.annotator === session.user) return;
      const note = await ask({
        title: "Give the video back",
        text: `${video.state.annotator} gets it back with your note, at frame ${here()}.`,
        label: "What must be changed?", ok: "Give back", required: true,
      });
      if (note && (await act({ action: "reject", note, frame_index: here() }))) {
        toast("Given back.", "good");
        await editor.app.openNextReview(video.id);
      }
    },
    async dispute() {
      const frame = here();
      const note = await ask({ title: `Note at frame ${frame}`, text: "The frame is shown as in doubt until somebody marks the note as done.", label: "What is in doubt?", ok: "Write the note", required: true });
      if (note) await act({ action: "dispute", frame_index: frame, note });
    },
    resolve: (noteId) => act({ action: "resolve", note_id: noteId }),
    withdraw: () => act({ action: "withdraw" }),
    reopen: () => act({ action: "reopen" }),
    acceptVideo: () => act({ action: "accept-video" }),
  };
  return acts;
}
