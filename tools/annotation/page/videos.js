// The list of videos, the progress, and the work of each person.

import { count, duration, fillWith, h, icon } from "../shared/dom.js";
import { statusWord } from "./panel.js";

const ORDER = ["approved", "submitted", "rejected", "working", "untouched"];
const view = { status: "all", text: "" }; // stays while the page is open

/** Fills `box` with the project. `next()` and `nextReview()` open what comes next for `user`. */
export function showVideos(box, project, { user, next, nextReview }) {
  const { videos, people, notices, engine, folder, raw, mode } = project;
  const word = (status) => statusWord(status, mode === "independent");
  const numbers = Object.fromEntries(ORDER.map((status) => [status, videos.filter((video) => video.status === status).length]));
  const focus = document.activeElement?.id;
  const review = videos.filter((video) => video.can_review).length;
  fillWith(box,
    h("section", { class: "card lead" },
      h("div", {},
        h("h2", {}, `${count(numbers.approved + numbers.submitted, "video")} of ${videos.length} finished`),
        progressBar(numbers, videos.length, word),
        h("p", { class: "faint" }, `Folder ${folder}. Results go to ${raw}. Engine: ${engine.name}${engine.error ? "" : engine.ready ? "" : ", loading"}.`),
        engine.error && h("p", { class: "problem", role: "alert" }, engine.error)),
      h("div", { class: "lead-actions" },
        h("button", { type: "button", class: "primary", onclick: next }, icon("next"), "Next unfinished video"),
        h("button", { type: "button", disabled: !review, onclick: nextReview }, icon("strip"), review ? `Next to review (${review})` : "Nothing to review"))),
    notices.length > 0 && h("section", { class: "card notices" }, h("ul", {}, notices.map((notice) => h("li", {}, notice)))),
    videosTable(project, user, word),
    people.length > 0 && peopleTable(people),
  );
  if (focus) document.getElementById(focus)?.focus();
}

function progressBar(numbers, total, word) {
  const words = ORDER.filter((status) => numbers[status]).map((status) => `${numbers[status]} ${word(status)}`);
  return h("div", {}, h("div", { class: "stack", role: "img", "aria-label": words.join(", ") }, ORDER.map((status) => {
    const part = h("i", { class: status });
    part.style.flexGrow = numbers[status];
    part.hidden = !numbers[status];
    return part;
  })), h("p", { class: "stack-words" }, ORDER.filter((status) => numbers[status]).map((status) => h("span", { class: "key" }, h("i", { class: `dot ${status}` }), `${numbers[status]} ${word(status)}`)), total ? "" : "No video."));
}

function videosTable(project, user, word) {
  const body = h("tbody", {});
  const shown = h("output", { class: "faint" });
  const show = () => {
    const text = view.text.toLowerCase();
    const rows = project.videos.filter((video) => (view.status === "all" || video.status === view.status) && `${video.video_id} ${video.name}`.toLowerCase().includes(text));
    fillWith(body, rows.map((video) => videoRow(video, user, word)));
    shown.textContent = `${rows.length} of ${project.videos.length}`;
  };
  show();
  const choose = h("select", { id: "choose-status", "aria-label": "Status", onchange: (event) => ((view.status = event.target.value), show()) },
    ["all", ...ORDER].map((status) => h("option", { value: status, selected: status === view.status }, status === "all" ? "all videos" : word(status))));
  const find = h("input", { id: "find", type: "search", placeholder: "find by name", "aria-label": "Find by name", value: view.text, oninput: (event) => ((view.text = event.target.value), show()) });
  return h("section", { class: "card" }, h("div", { class: "row wrap" }, h("h2", {}, "Videos"), h("span", { class: "gap" }), find, choose, shown),
    h("div", { class: "scroll" }, h("table", {}, h("thead", {}, h("tr", {}, ["Video", "Status", "Seen", "Objects", "Masks", "Marked by", "Checked by", "Time", "Time per mask"].map((head, index) => h("th", { class: index > 1 && index !== 5 && index !== 6 ? "number" : "", scope: "col" }, head)))), body)));
}

function videoRow(video, user, word) {
  const held = video.holder && !video.holder_is_me ? h("small", { class: "held" }, icon("lock"), video.holder) : null;
  const signs = [video.double && h("small", { class: "tag" }, "two people"), video.disputed > 0 && h("small", { class: "tag warn" }, `${video.disputed} in doubt`), video.num_proposals > 0 && h("small", { class: "tag" }, count(video.num_proposals, "proposal"))];
  const name = video.problem
    ? h("span", {}, video.video_id, h("small", { class: "problem" }, video.problem))
    : h("a", { href: `#video/${video.video_id}` }, video.video_id, video.name !== video.video_id && h("small", {}, video.name));
  return h("tr", { class: video.annotator === user ? "own" : "" },
    h("td", {}, name, signs),
    h("td", {}, h("span", { class: `chip ${video.status}` }, word(video.status)), video.can_review && h("a", { class: "review-link", href: `#video/${video.video_id}` }, "check it"), held),
    h("td", { class: "number" }, video.num_frames ? `${video.num_seen} / ${video.num_frames}` : "–"),
    h("td", { class: "number" }, String(video.num_objects)),
    h("td", { class: "number" }, String(video.num_masks)),
    h("td", {}, video.annotator ?? ""),
    h("td", {}, video.reviewer ?? ""),
    h("td", { class: "number" }, video.seconds ? duration(video.seconds) : ""),
    h("td", { class: "number" }, video.seconds_per_mask ? `${video.seconds_per_mask.toFixed(1)} s` : ""));
}

function peopleTable(people) {
  const heads = ["Person", "Videos", "Sent to review", "Approved", "Given back", "Checked for others", "Masks", "Time", "Time per mask"];
  return h("section", { class: "card" }, h("h2", {}, "People"), h("div", { class: "scroll" }, h("table", {},
    h("thead", {}, h("tr", {}, heads.map((head, index) => h("th", { class: index ? "number" : "", scope: "col" }, head)))),
    h("tbody", {}, people.map((person) => h("tr", {},
      h("td", {}, person.user),
      [person.videos, person.submitted, person.approved_of_theirs, person.rejected_of_theirs, person.reviewed, person.masks].map((value) => h("td", { class: "number" }, String(value))),
      h("td", { class: "number" }, person.seconds ? duration(person.seconds) : ""),
      h("td", { class: "number" }, person.seconds_per_mask ? `${person.seconds_per_mask.toFixed(1)} s` : "")))))));
}
