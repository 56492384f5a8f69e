// What the panel shows of an editor, as plain values.

import { session } from "./api.js";
import { size } from "./ranges.js";

/** The panel's model; `specks` as the editor finds them on the frame on show, or null. */
export function panelModel({ video, ui, colours, player, app }, specks) {
  const { state } = video;
  const editable = video.readOnly === null;
  const frame = ui.frame?.index ?? player.wanted;
  const maskedFrames = [...video.byFrame.keys()];
  const review = reviewModel(video, ui);
  return {
    status: state.status,
    apart: app.apart,
    editable,
    mayNote: state.lock.mine || review !== null,
    mine: state.annotator === session.user,
    running: video.running !== null,
    objects: state.objects.map((object) => objectModel(video, object, { frame, ui, colour: colours.get(object.object_id) })),
    types: app.artifactTypes,
    subtypes: app.subtypes,
    job: video.running,
    range: ui.range,
    selectedOnly: ui.selectedOnly,
    lastFrame: state.num_frames - 1,
    frame: {
      index: frame,
      locked: video.isLocked(frame),
      seen: video.isSeen(frame),
      overlap: state.overlaps.includes(frame),
      notes: state.notes.filter((note) => note.frame_index === frame).map((note) => ({ id: note.note_id, ...note })),
    },
    specks: specks && { strays: total(specks, "strays"), holes: total(specks, "holes") },
    speckLimit: ui.speckLimit,
    unseen: state.num_frames - size(state.seen),
    unseenMasks: maskedFrames.filter((index) => !video.isSeen(index)).length,
    unaccepted: maskedFrames.reduce((sum, index) => sum + [...video.byFrame.get(index).values()].filter((mask) => mask.from === "proposal").length, 0),
    review,
  };
}

function objectModel(video, object, { frame, ui, colour }) {
  const { object_id: id, artifact_type: type, subtype } = object;
  const mask = video.mask(id, frame);
  let numMasks = 0;
  let proposals = 0;
  for (const masks of video.byFrame.values()) {
    const mask = masks.get(id);
    if (mask?.area) numMasks++;
    if (mask?.from === "proposal") proposals++;
  }
  return {
    id, type, subtype, colour, numMasks, proposals, selected: id === ui.selected, hidden: ui.hidden.has(id),
    here: mask ? { from: mask.from, keyframe: mask.keyframe, empty: mask.area === 0 } : null,
  };
}

/** The values that a reviewer needs; null for everybody else. */
function reviewModel(video, ui) {
  const { state } = video;
  if (state.status !== "submitted" || state.annotator === session.user) return null;
  const due = framesToReview(video);
  return {
    annotator: state.annotator,
    normal: state.normal,
    total: due.length,
    looked: due.filter((frame) => ui.looked.has(frame)).length,
    mayDecide: state.lock.mine,
    strip: ui.strip,
  };
}

/** The frames that a reviewer looks at: those with masks; of a video with nothing wrong, those that the annotator saw. */
export function framesToReview(video) {
  if (!video.state.normal) {
    const shows = ([, masks]) => [...masks.values()].some((mask) => mask.area || mask.keyframe);
    return [...video.byFrame].filter(shows).map(([frame]) => frame).sort((a, b) => a - b);
  }
  return video.state.seen.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, step) => first + step));
}

const total = (specks, key) => specks.reduce((sum, speck) => sum + speck[key].length, 0);
