// One open video on the page: connects the picture, the tools, the panel and the timeline.

import { objectColours } from "../shared/colours.js";
import { frameSource } from "../shared/frames.js";
import { specksOf } from "../shared/marks.js";
import { pictureView } from "../shared/picture.js";
import { actsOf } from "./acts.js";
import { fetchFrame, post } from "./api.js";
import { byId, clearErrors, count, toast } from "../shared/dom.js";
import { drawClicks, drawingOn, strokeRect } from "./drawing.js";
import { panelModel } from "./model.js";
import { showPanel } from "./panel.js";
import { playerOf } from "../shared/player.js";
import { firstOutside, rangesOf } from "./ranges.js";
import { stripIn } from "./strip.js";
import { timelineIn } from "./timeline.js";
import { hintFor, showTools, showTransport, showViewBar } from "./toolbars.js";
import { openVideo } from "./video.js";

const DWELL_MS = 150; // so long a frame stands until it counts as seen, unless it is played
const PREPARE_MS = 300; // so long a frame stands until the engine prepares for it
const SEND_SEEN_MS = 1000;

/**
 * Opens a video in the page; resolves to null if `signal` came first. `app` is what main.js gives: {videoRow(id), openVideo(id), showVideos(), saving(),
 * title()}. When `signal` comes the editor closes, and no longer touches the page.
 */
export async function openEditor(videoId, app, signal) {
  const ui = {
    frame: null, // the frame on show, with its bitmap; null before the first
    selected: null, hidden: new Set(), masks: "full", specks: false, speckLimit: 20, range: null, selectedOnly: false, strip: false,
    looked: new Set(), thinking: 0,
  };
  const editor = { app, ui, colours: new Map(), close };
  // Changes may come while the rest is still being made.
  let video, view, drawing, player, acts, timeline, strip;
  let speckCache = null;
  let lastFrame = null;
  let preparing = null;
  let closed = false;

  video = (editor.video = await openVideo(videoId, { onChange: changed, onTrouble: trouble, signal }));
  if (!video) return null;
  const seen = seenFrames();
  signal.addEventListener("abort", () => close());
  const { state } = video;
  const version = state.sha256?.slice(0, 8);
  const source = frameSource({
    count: state.num_frames,
    height: state.height,
    width: state.width,
    fetchFrame: (index, exact, how) => fetchFrame(videoId, index, exact, { ...how, version }),
  });
  const canvas = fresh("picture");
  view = (editor.view = pictureView(canvas, { decorate, onDraw, onView: () => keepView() }));
  drawing = (editor.drawing = drawingOn(canvas, view, { mayDraw, on: drawingEvents() }));
  player = (editor.player = playerOf({ source, times: state.times, onShow: put, onTrouble: (text) => toast(text, "bad"), onState: showFrameState }));
  acts = (editor.acts = actsOf(editor));
  editor.changed = changed;
  editor.refresh = refresh;
  editor.sendSeen = () => seen.send();

  timeline = timelineIn(fresh("timeline"), { look: timelineData, onSeek: (frame) => (player.stop(), player.show(frame)) });
  strip = editor.strip = stripIn(byId("strip"), editor);
  openView();
  ui.selected = video.state.objects[0]?.object_id ?? null;
  drawing.setTool(video.readOnly ? "move" : "box");
  changed(["masks", "objects", "seen"]);
  await player.show(firstToShow());
  return signal.aborted ? null : editor;

  function firstToShow() {
    const wanted = Number(sessionStorage.getItem(`frame ${videoId}`) ?? -1);
    if (wanted >= 0 && wanted < state.num_frames) return wanted;
    return Math.max(0, firstOutside(video.state.seen, 0, state.num_frames) ?? 0);
  }

  function openView() {
    const kept = localStorage.getItem(`view ${videoId}`); // before the first fit, which is kept too
    view.setSize(state.height, state.width, state.rotation);
    try {
      if (kept) view.restore(JSON.parse(kept));
    } catch {
      localStorage.removeItem(`view ${videoId}`);
    }
  }

  function keepView() {
    showScale();
    try {
      localStorage.setItem(`view ${videoId}`, JSON.stringify(view.state));
    } catch {
      // A full store: the view is not kept for the next time.
    }
  }

  function drawingEvents() {
    return {
      click: (click) => acts.click(click),
      box: (box) => acts.box(box),
      polygon: (polygon) => acts.polygon(polygon),
      stroke: (stroke) => acts.stroke(stroke),
      hover: showScale,
    };
  }

  /** Whether masks on the shown frame may be changed; otherwise shows why not. */
  function mayDraw() {
    const why = video.notEditable
      ?? (ui.frame && video.isLocked(ui.frame.index) ? `Frame ${ui.frame.index} is locked. Unlock it first (L).` : null)
      ?? (player.flickers ? "Stop the flicker first (K)." : null);
    if (why) toast(why);
    if (player.playing) player.stop();
    return !why;
  }

  /** Shows a frame with its masks. Its number is written when it is drawn. */
  function put({ frame, under }) {
    ui.frame = frame;
    view.show({ frame, under, marks: marksOf(frame.index) });
  }

  function marksOf(frame) {
    const marks = [];
    for (const { object_id: id } of video.state.objects) {
      if (ui.hidden.has(id)) continue;
      const mark = video.mark(id, frame);
      if (mark) marks.push({ mark, colour: editor.colours.get(id), faint: video.mask(id, frame)?.from === "proposal", selected: id === ui.selected });
    }
    return marks;
  }

  /** Runs in the same task as the drawing: picture, number and time change together. */
  function onDraw(scene) {
    if (closed) return;
    const frame = scene?.frame ?? null;
    byId("picture-box").dataset.frame = frame?.index ?? "";
    byId("frame-number").textContent = frame ? `Frame ${frame.index}` : "–";
    byId("frame-count").textContent = `of 0 – ${state.num_frames - 1}`;
    byId("frame-time").textContent = frame ? `${state.times[frame.index].toFixed(3)} s` : "";
    byId("frame-kind").textContent = frame ? (frame.exact ? "exact pixels" : "JPEG") + (state.rotation ? ` · turned ${state.rotation}°` : "") + (scene.under ? ` · frame ${scene.under.index} over it` : "") : "";
    byId("picture").setAttribute("aria-label", frame ? `Frame ${frame.index} of ${state.num_frames}, ${count(scene.marks.length, "mask")}` : "No frame");
    if (!frame) return;
    player.drew(frame.index);
    seen.shown(frame.index);
    afterFrame(frame.index);
  }

  function afterFrame(index) {
    if (index === lastFrame) return;
    lastFrame = index;
    sessionStorage.setItem(`frame ${videoId}`, index);
    refresh();
    clearTimeout(preparing);
    if (!player.playing && !player.flickers) preparing = setTimeout(() => prepare(index), PREPARE_MS);
  }

  /** Lets the engine compute what the first click on this frame will need. */
  function prepare(index) {
    if (index !== ui.frame?.index || video.readOnly || video.running || video.closed) return;
    post(`api/video/${videoId}/prepare`, { frame_index: index }).catch(() => {}); // the click will report the error
  }

  function decorate(context) {
    const frame = ui.frame?.index;
    const mask = ui.selected === null || ui.hidden.has(ui.selected) ? null : video.mask(ui.selected, frame);
    if (ui.masks !== "hidden" && mask && !player.playing) {
      if (mask.box) strokeRect(context, view, mask.box, "#fff");
      drawClicks(context, view, [...mask.clicks, ...acts.waitingClicks(ui.selected, frame)]);
    } else if (frame !== undefined) drawClicks(context, view, acts.waitingClicks(ui.selected, frame));
    if (ui.specks) drawSpecks(context);
    drawing.decorate(context);
  }

  /** Stray parts and holes of the shown frame: [{objectId, strays, holes}]. */
  function specksHere() {
    if (!ui.specks || !ui.frame) return null;
    const key = `${ui.frame.index} ${ui.speckLimit} ${video.state.revision} ${[...ui.hidden]}`;
    if (speckCache?.key !== key) {
      const specks = [];
      for (const { object_id: objectId } of video.state.objects) {
        const mark = ui.hidden.has(objectId) ? null : video.mark(objectId, ui.frame.index);
        if (mark?.box) specks.push({ objectId, ...specksOf(mark, ui.speckLimit) });
      }
      speckCache = { key, specks };
    }
    return speckCache.specks;
  }

  function drawSpecks(context) {
    context.lineWidth = 2;
    for (const { strays, holes } of specksHere() ?? []) {
      for (const [specks, colour, dash] of [[strays, "#fff", []], [holes, "#ff9d8a", [3, 3]]]) {
        for (const { x, y, area } of specks) {
          const at = view.toCanvas({ x: x + 0.5, y: y + 0.5 });
          const radius = Math.max(9, Math.sqrt(area) * view.scale);
          for (const [style, wide] of [["rgb(0 0 0 / 0.8)", 4], [colour, 2]]) {
            context.setLineDash(wide === 2 ? dash : []);
            context.strokeStyle = style;
            context.lineWidth = wide;
            context.beginPath();
            context.arc(at.x, at.y, radius, 0, 2 * Math.PI);
            context.stroke();
          }
          context.setLineDash([]);
        }
      }
    }
  }

  function timelineData() {
    const disputed = video.state.notes.filter((note) => note.open && note.frame_index !== null).map((note) => note.frame_index);
    const rows = video.state.objects.map(({ object_id: id }) => {
      const masks = new Map();
      for (const [frame, all] of video.byFrame) {
        const mask = all.get(id);
        if (mask) masks.set(frame, { keyframe: mask.keyframe, proposal: mask.from === "proposal", empty: mask.area === 0 });
      }
      return { id, colour: editor.colours.get(id), selected: id === ui.selected, masks };
    });
    return {
      count: state.num_frames, frame: player.wanted, shown: ui.frame?.index ?? null, seen: video.state.seen, locked: video.state.locked, disputed,
      range: ui.range, job: video.running, rows,
    };
  }

  function changed(keys) {
    if (!video || closed) return;
    if (keys.includes("objects")) {
      const { objects } = video.state;
      const colours = objectColours(objects.map((object) => object.artifact_type));
      editor.colours = new Map(objects.map((object, index) => [object.object_id, colours[index]]));
      if (!editor.colours.has(ui.selected)) ui.selected = objects[0]?.object_id ?? null;
      drawing?.setColour(editor.colours.get(ui.selected) ?? [255, 255, 255]);
    }
    if (keys.includes("seen") || keys.includes("masks")) seen.again();
    if (keys.includes("saving")) app.saving(video);
    if (keys.some((key) => ["masks", "objects", "view"].includes(key))) {
      if (view?.scene?.frame) view.show({ ...view.scene, marks: marksOf(view.scene.frame.index) });
      strip?.refresh();
    }
    refresh();
  }

  /** Updates everything around the picture: panel, bars, timeline, banner. */
  function refresh() {
    if (!acts || closed) return;
    showPanel(byId("panel"), panelModel(editor, specksHere()));
    showTools(editor);
    showViewBar(editor);
    showFrameState();
    hintFor(editor);
    app.title(video);
    view.redraw();
  }

  function showFrameState() {
    if (!timeline || closed) return;
    showTransport(editor);
    timeline.redraw();
  }

  function showScale(point = null) {
    const percent = `${Math.round(view.scale * 100)} %`;
    byId("scale-sign").textContent = point ? `x ${Math.floor(point.x)}  y ${Math.floor(point.y)} · ${percent}` : percent;
  }

  function trouble(message, error) {
    if (error?.code === "locked" || error?.code === "stale") toast(`${message} Your last action was not done: look again and repeat it.`, "bad");
    else toast(message, "bad");
    const frames = error?.extra?.frames;
    if (frames?.length) player.show(frames[0]);
  }

  /** Sends the frames that were really shown, about every second. */
  function seenFrames() {
    let waiting = new Set();
    let dwell = null;
    let current = null;
    const note = (index) => {
      if (!video.isSeen(index)) waiting.add(index);
      if (ui.strip) return;
      for (const { object_id: id } of video.state.objects) if (video.mask(id, index)) ui.looked.add(index);
    };
    const timer = setInterval(() => send(), SEND_SEEN_MS);
    const send = () => {
      const frames = [...waiting].filter((frame) => !video.isSeen(frame));
      waiting = new Set();
      if (!frames.length || video.closed || (!video.state.lock.mine && video.state.status !== "submitted")) return;
      video.markSeen(frames);
      video.do({ action: "seen", ranges: rangesOf(frames) });
    };
    return {
      shown(index) {
        if (index === current) return;
        current = index;
        clearTimeout(dwell);
        if (player.playing) note(index);
        else dwell = setTimeout(() => (note(index), refresh()), DWELL_MS);
      },
      /** The shown frame or its data has changed: update everything. */
      again() {
        if (current === null) return;
        clearTimeout(dwell);
        dwell = setTimeout(() => note(current), DWELL_MS);
      },
      add: note,
      send,
      close() {
        clearInterval(timer);
        clearTimeout(dwell);
      },
    };
  }

  function close({ last = false } = {}) {
    onDraw(null);
    closed = true;
    seen.send();
    seen.close();
    clearTimeout(preparing);
    view.show(null);
    player.close();
    strip.close();
    clearErrors();
    video.close({ last });
  }
}

/** The element without the listeners that an editor before this one left on it. */
function fresh(id) {
  const element = byId(id).cloneNode();
  byId(id).replaceWith(element);
  return element;
}
