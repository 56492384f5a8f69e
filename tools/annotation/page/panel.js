// The panel beside the picture: objects, Propagate, the shown frame, and finishing. It shows a model and calls commands.

import { css } from "../shared/colours.js";
import { count, fillWith, h, icon } from "../shared/dom.js";
import { keyOf } from "./keys.js";

const STATUS_WORDS = {
  untouched: "not started", working: "in work", submitted: "waits for review", approved: "approved", rejected: "given back",
};

/** The word for a status. `apart`: people work independently, and nobody reviews. */
export const statusWord = (status, apart) => (apart && status === "submitted" ? "finished" : STATUS_WORDS[status]);

const FROM_WORDS = {
  prompt: "from clicks", drawn: "drawn", accepted: "accepted", propagated: "propagated", imported: "from the folder", proposal: "proposed",
};

/** A button that runs a command; its tip names the key. */
export function commandButton(command, words, { picture = null, kind = "", pressed, disabled = false, label, value, tip } = {}) {
  const key = keyOf(command);
  return h("button", {
    type: "button",
    class: kind,
    "data-command": command,
    "data-value": value,
    "data-keep": `${command} ${value ?? ""}`,
    "aria-pressed": pressed === undefined ? null : String(pressed),
    "aria-label": label,
    title: [tip ?? label ?? words, key && `(${key})`].filter(Boolean).join(" "),
    disabled,
  }, picture && icon(picture), words && h("span", {}, words));
}

/** Fills `panel` with the model, unless it shows it already; the focus stays on what it was on. */
export function showPanel(panel, model) {
  const signature = JSON.stringify(model);
  if (panel.dataset.signature === signature) return;
  panel.dataset.signature = signature;
  const keep = document.activeElement?.dataset?.keep;
  fillWith(panel, model.review && reviewCard(model), objectsCard(model), !model.review && propagateCard(model), frameCard(model), !model.review && finishCard(model));
  // The card that the person opened must not be hidden below the last one.
  if (model.specks && !(panel.dataset.specks === "shown")) panel.querySelector(".specks")?.scrollIntoView({ block: "nearest" });
  panel.dataset.specks = model.specks ? "shown" : "";
  if (keep) panel.querySelector(`[data-keep="${CSS.escape(keep)}"]`)?.focus({ preventScroll: true });
}

const card = (title, ...children) => h("section", { class: "card" }, h("h2", {}, title), ...children);
const finish = (title, ...children) => h("section", { class: "card finish" }, h("h2", {}, title), ...children);

function reviewCard({ review }) {
  const left = review.total - review.looked;
  return card(
    `Check the work of ${review.annotator ?? "another person"}`,
    review.normal && h("p", {}, "The annotator found nothing wrong with this video."),
    h("p", { class: "faint" }, left
      ? `${left} of ${count(review.total, review.normal ? "frame" : "marked frame")} still to look at.`
      : `You have looked at all ${count(review.total, review.normal ? "frame" : "marked frame")}.`),
    h("progress", { max: review.total || 1, value: review.looked, "aria-label": "Frames looked at" }),
    h("div", { class: "row" }, commandButton("strip", "All masks", { picture: "strip", pressed: review.strip })),
    h("div", { class: "row" },
      commandButton("finish", "Approve", { picture: "done", kind: "primary grow", disabled: !review.mayDecide || left > 0, tip: left ? "Look at all of them first" : "Approve" }),
      commandButton("reject", "Give back", { picture: "undo", kind: "grow", disabled: !review.mayDecide })),
  );
}

function objectsCard({ objects, types, subtypes, editable }) {
  const list = h("ul", { class: "objects" }, objects.map((object) => objectRow(object, types, subtypes, editable)));
  return card("Objects", objects.length ? list : h("p", { class: "faint empty" }, editable
    ? `Nothing is marked. Draw a box around what is broken (${keyOf("tool-box")}), or press ${keyOf("normal")} when nothing is wrong.`
    : "Nothing is marked."),
  editable && h("div", { class: "row" }, commandButton("new-object", "New object", { picture: "new", kind: "small" })));
}

function objectRow(object, types, subtypes, editable) {
  const { id, colour, selected, hidden } = object;
  const here = object.here
    ? object.here.empty ? "marked as not here" : `here: ${FROM_WORDS[object.here.from]}`
    : "not marked here";
  const head = h("div", { class: "object-head" },
    h("button", { type: "button", class: "object-name", "data-command": "select-object", "data-value": id, "data-keep": `select ${id}`, "aria-pressed": String(selected) },
      h("i", { class: "swatch", colour: css(colour) }, String(id)),
      h("span", {}, h("b", {}, object.type ?? "what is wrong?"), object.subtype ? ` · ${object.subtype}` : "", h("small", {}, `${count(object.numMasks, "mask")} · ${here}`))),
    commandButton("hide-object", "", { picture: hidden ? "eye-off" : "eye", kind: "quiet", value: id, pressed: hidden, label: hidden ? `Show object ${id}` : `Hide object ${id}` }));
  return h("li", { class: selected ? "selected" : "" }, head, selected && editable && objectDetails(object, types, subtypes));
}

function objectDetails(object, types, subtypes) {
  const kinds = subtypes[object.type] ?? [];
  return h("div", { class: "object-details" },
    h("div", { class: `segments ${object.type ? "" : "asks"}`, role: "group", "aria-label": "What is wrong" }, types.map((type, index) =>
      commandButton(`type-${index + 1}`, type, { pressed: object.type === type, tip: `Broken by ${type}` }))),
    kinds.length > 0 && h("label", { class: "line" }, "Kind", h("select", { "data-change": "subtype", "data-keep": "subtype" },
      h("option", { value: "" }, "not given"), kinds.map((kind) => h("option", { value: kind, selected: kind === object.subtype }, kind)))),
    object.proposals > 0 && h("div", { class: "row" },
      commandButton("accept", "Accept here", { kind: "small", disabled: object.here?.from !== "proposal" }),
      commandButton("accept-all", `Accept ${count(object.proposals, "proposal")}`, { kind: "small" })),
    h("div", { class: "row" }, commandButton("not-here", "Not on this frame", { kind: "small", pressed: Boolean(object.here?.empty), tip: "The object is not on this frame: no engine puts it back" })),
    h("div", { class: "row delete", role: "group", "aria-label": "Delete masks" }, icon("bin"), h("div", { class: "segments" },
      commandButton("delete-frame", "here", { disabled: !object.here, tip: "Delete the mask on this frame" }),
      commandButton("delete-onward", "from here on", { tip: "Delete the masks from this frame to the end" }),
      commandButton("delete-everywhere", "everywhere", { tip: "Delete this object with all its masks" }))));
}

function propagateCard({ job, editable, objects, range, selectedOnly, lastFrame, frame }) {
  if (job) {
    const way = job.last < job.first ? "backwards" : "forwards";
    return card("Propagate", h("p", { class: "faint" }, `Propagating ${way} from frame ${job.first} to ${job.stop}${job.barrier === null || job.barrier === undefined ? "" : `, up to the locked frame ${job.barrier}`}.`),
      h("progress", { max: job.total || 1, value: job.done, "aria-label": "Frames propagated" }),
      h("div", { class: "row between" }, h("span", { class: "faint" }, `${job.done} of ${job.total}`), commandButton("escape", "Cancel", { kind: "small warn" })));
  }
  if (!editable) return null;
  const idle = !objects.some((object) => object.numMasks);
  return card("Propagate",
    h("p", { class: "faint" }, "Find this frame's objects on the other frames, up to a locked one."),
    h("div", { class: "row" },
      commandButton("backward", "Backwards", { picture: "backward", kind: "grow", disabled: idle || frame.index === 0 }),
      commandButton("forward", "Forwards", { picture: "forward", kind: "grow", disabled: idle || frame.index === lastFrame })),
    h("div", { class: "row range" },
      h("label", {}, "from", h("input", { type: "number", min: 0, max: lastFrame, value: range?.[0] ?? frame.index, "data-change": "range-start", "data-keep": "range-start" })),
      h("label", {}, "to", h("input", { type: "number", min: 0, max: lastFrame, value: range?.[1] ?? lastFrame, "data-change": "range-end", "data-keep": "range-end" })),
      commandButton("over-range", "Range", { picture: "range", kind: "small", disabled: idle, tip: "Propagate over these frames" })),
    objects.length > 1 && h("label", { class: "check" }, h("input", { type: "checkbox", checked: selectedOnly, "data-change": "selected-only", "data-keep": "selected-only" }), "only the selected object"));
}

function frameCard({ frame, specks, editable, mayNote, speckLimit }) {
  const notes = frame.notes.map((note) => h("li", {}, h("q", {}, note.note), h("small", {}, ` ${note.user}${note.kind === "reject" ? ", given back" : ""}`),
    note.open && mayNote && commandButton("resolve", "Done", { kind: "small", value: note.id, tip: "This is dealt with" })));
  return card(`Frame ${frame.index}`,
    h("div", { class: "row wrap" },
      h("span", { class: `tag ${frame.seen ? "on" : ""}` }, frame.seen ? "seen" : "not seen yet"),
      editable ? commandButton("lock", frame.locked ? "Locked" : "Lock", { picture: "lock", kind: "small", pressed: frame.locked, tip: frame.locked ? "Unlock this frame" : "Lock this frame: nothing changes its masks" }) : frame.locked && h("span", { class: "tag on" }, "locked"),
      mayNote && commandButton("dispute", "Note", { picture: "flag", kind: "small", tip: "Write a note: this frame is in doubt" })),
    notes.length > 0 && h("ul", { class: "notes" }, notes),
    frame.overlap && h("p", { class: "faint" }, "Objects share pixels on this frame. Each of them keeps them."),
    h("div", { class: "row wrap" }, commandButton("specks", "Stray pixels and holes", { kind: "small", pressed: specks !== null })),
    specks && h("div", { class: "specks" },
      h("label", { class: "line" }, "up to", h("input", { type: "number", min: 1, max: 100000, value: speckLimit, "data-change": "speck-limit", "data-keep": "speck-limit" }), "pixels"),
      h("p", { class: "faint" }, `${count(specks.strays, "stray part")} and ${count(specks.holes, "hole")} on this frame.`),
      editable && h("div", { class: "row" },
        commandButton("clean", "Remove here", { kind: "small", disabled: !specks.strays && !specks.holes }),
        commandButton("clean-all", "Remove on all frames", { kind: "small" }))));
}

function finishCard({ status, apart, editable, objects, unseen, unaccepted, mine, running }) {
  const next = commandButton("next-video", editable ? "Next" : "Next video", { picture: "next", kind: editable ? "" : "primary grow", tip: "Next unfinished video" });
  if (status === "submitted") {
    return finish("Finished", h("p", { class: "faint" }, apart ? "Nobody else sees your masks here." : "Another person checks this video now."), h("div", { class: "row" }, next, mine && commandButton("withdraw", "Take it back")));
  }
  if (status === "approved") {
    return finish("Approved", h("p", { class: "faint" }, "This video is part of the next release."), h("div", { class: "row" }, next, commandButton("reopen", "Work on it again")));
  }
  if (!editable) return finish("Go on", h("div", { class: "row" }, next));
  const untyped = objects.filter((object) => !object.type);
  return finish("Finish",
    objects.length > 0 && unseen > 0 && h("p", { class: "faint" }, `You have not seen ${count(unseen, "frame")}: ${unseen === 1 ? "it counts" : "they count"} as not annotated.`),
    unaccepted > 0 && h("p", { class: "asks-text" }, `${count(unaccepted, "proposal")} to accept or delete first.`),
    untyped.length > 0 && h("p", { class: "asks-text" }, `What is wrong with ${untyped.length === 1 ? "object" : "objects"} ${untyped.map(({ id }) => id).join(", ")}? Keys 1, 2, 3.`),
    h("div", { class: "row" },
      objects.length === 0
        ? commandButton("normal", "Nothing is wrong", { picture: "done", kind: "primary grow" })
        : commandButton("finish", apart ? "Finish" : "Send to review", { picture: "done", kind: "primary grow", disabled: running }),
      next));
}
