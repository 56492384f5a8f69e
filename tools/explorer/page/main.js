// The page: the address says which filter and which video; everything that is chosen goes into it.

import { byId, count, h, toast } from "../shared/dom.js";
import { data, DataError } from "./data.js";
import { filtersIn } from "./filters.js";
import { gridIn } from "./grid.js";
import { commandOf, KEYS, nameOf } from "./keys.js";
import { reportIn, written } from "./report.js";
import { addGroups, addMeasured, addressOf, chosen, filterOf, rowsOf, sortsOf } from "./table.js";
import { openVideo } from "./video.js";

const POLL_MS = 600;
const PATIENCE_MS = 4000;

let list, sorts, rows, byVideo, filter, selection, grid, filters;
let open = null; // the open video
let opening = 0;
let measuredCount = 0;

const address = () => new URLSearchParams(location.hash.slice(1));

async function start() {
  list = await data.list();
  sorts = sortsOf(list);
  rows = rowsOf(list, data.isHere);
  byVideo = new Map(rows.map((row) => [row.video_id, row]));
  document.title = `${list.report?.title ?? list.name} – BrokenVideos explore`;
  grid = gridIn(byId("grid"), {
    posterUrl: (row) => data.posterUrl(row.video_id),
    score: (row) => scoreWords(row),
    onOpen: (row) => openRow(row),
    onMove: () => {},
  });
  filters = filtersIn(byId("filters"), { others: list.others, onChange: setFilter });
  byId("sort").replaceChildren(...sorts.map(([key, words]) => h("option", { value: key }, words)));
  byId("jump").max = String(rows.length);
  listen();
  showNotices();
  byId("measuring").textContent = "Measuring";
  if (list.report) await startReport();
  await arrive();
  await postersAreThere();
  measure();
}

/** Resolves when the posters on the screen are there, or after a while: what is looked at goes first. */
async function postersAreThere() {
  const until = performance.now() + PATIENCE_MS;
  do await new Promise((done) => setTimeout(done, 100));
  while (performance.now() < until && document.querySelector(".cell:not(.no-poster) img:not(.there)"));
}

function scoreWords(row) {
  const place = list.report?.metrics.findIndex(({ key }) => key === filter?.sort) ?? -1;
  if (place >= 0 && row.metrics) {
    const { title, form } = list.report.metrics[place];
    return `${title} ${written(row.metrics[place], form) ?? "–"}`;
  }
  const score = row.scores?.[filter?.other ?? 0]?.[0];
  if (score !== undefined && score !== null) return `J&F ${score.toFixed(2)}`;
  return row.area ? `${(row.area * 100).toFixed(row.area < 0.1 ? 1 : 0)} %` : null;
}

/** Shows what the address says. */
async function arrive() {
  const query = address();
  const next = filterOf(query, sorts);
  if (!filter || String(addressOf(next, sorts)) !== String(addressOf(filter, sorts))) apply(next, { keepPlace: filter === undefined });
  const id = query.get("video");
  const frame = query.has("frame") ? Number(query.get("frame")) : null;
  if (id === null) return query.has("report") && list.report ? showReport() : closeVideo();
  if (open?.id === id) return frame !== null && open.show(frame);
  await show(id, { frame, view: query.get("view"), other: query.has("against") ? Number(query.get("against")) : otherFor(byVideo.get(id)) });
}

/** Writes an address. A new video is a place to go back to; a frame or a letter of a search is not. */
function write(query, { isPlace }) {
  const text = `#${query}`;
  if (text === location.hash || (text === "#" && !location.hash)) return;
  if (isPlace) history.pushState(null, "", text);
  else history.replaceState(null, "", text);
}

function setFilter(next) {
  apply(next);
  write(addressOf(next, sorts), { isPlace: true });
}

function apply(next, { keepPlace = false } = {}) {
  filter = next;
  selection = chosen(rows, filter, { bins: list.time_bins, sorts });
  filters.show(filter, selection);
  grid.setRows(selection.rows, { keepPlace });
  grid.refresh();
  if (document.activeElement !== byId("search")) byId("search").value = filter.words;
  byId("sort").value = filter.sort;
  const [, , , descending] = sorts.find(([key]) => key === filter.sort);
  byId("turn").textContent = Boolean(descending) !== filter.turned ? "↓" : "↑";
  byId("turn").title = "Reverse the order (T)";
  byId("count").textContent = selection.rows.length === rows.length ? count(rows.length, "video") : `${selection.rows.length.toLocaleString("en")} of ${count(rows.length, "video")}`;
  byId("nothing").hidden = selection.rows.length > 0;
  byId("grid").hidden = selection.rows.length === 0;
  byId("filters").dataset.shown = byId("count").textContent;
}

/** Asks for what was measured since the last time, until all is there. */
async function measure() {
  for (;;) {
    let measured;
    try {
      measured = await data.measured(measuredCount);
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      byId("measuring").textContent = error.message;
      return;
    }
    measuredCount += measured.entries.length;
    addMeasured(byVideo, list.measured_fields, measured.entries);
    if (measured.groups) addGroups(byVideo, measured.groups);
    if (measured.entries.length || measured.groups) apply(filter, { keepPlace: true });
    showNotices(measured.problems);
    if (!measured.begun) {
      byId("measuring").replaceChildren(h("button", { type: "button", class: "small", title: "Reads the masks of all videos, for areas, times and the heat map", onclick: async () => (await data.startMeasuring(), measure()) }, "Measure the masks"));
      return;
    }
    if (measured.done) {
      byId("measuring").textContent = "";
      byId("measuring").dataset.done = "";
      return;
    }
    const near = measuredCount >= rows.length;
    byId("measuring").textContent = near ? "Looking for near-duplicates" : `Measured ${measuredCount.toLocaleString("en")} of ${rows.length.toLocaleString("en")}`;
    await new Promise((done) => setTimeout(done, POLL_MS));
  }
}

function showNotices(problems = []) {
  const all = [...list.notices, ...problems];
  const key = all.join("\n");
  const banner = byId("banner");
  if (banner.dataset.key === key) return;
  banner.dataset.key = key;
  banner.hidden = !all.length;
  byId("banner-text").replaceChildren(...all.slice(0, 4).map((text) => h("p", {}, text)), ...(all.length > 4 ? [h("p", { class: "faint" }, `and ${count(all.length - 4, "more notice")}`)] : []));
}

// --- One video -------------------------------------------------------------------------------------------------------

function openRow(row) {
  const query = addressOf(filter, sorts);
  query.set("video", row.video_id);
  write(query, { isPlace: true });
  return show(row.video_id, { frame: null, view: null, other: otherFor(row) });
}

/** The other source to compare with: the one of the filter; in a report of several the one that disagrees most. */
function otherFor(row) {
  if (!list.report || filter.other || !row?.scores?.length) return filter.other;
  const differ = row.scores.map((score) => score?.[1] ?? -1);
  return differ.indexOf(Math.max(...differ));
}

async function show(id, asked) {
  const from = document.body.dataset.view;
  showView("video");
  const turn = opening;
  const row = byVideo.get(id);
  byId("title").textContent = id;
  byId("label").hidden = !row?.label;
  byId("label").textContent = row?.label ?? "";
  byId("label").className = `chip ${row?.label ?? ""}`;
  const place = selection.rows.indexOf(row);
  byId("place").textContent = place < 0 ? "not in the filter" : `${(place + 1).toLocaleString("en")} of ${selection.rows.length.toLocaleString("en")}`;
  if (row) grid.selectRow(row);
  try {
    const opened = await openVideo(id, {
      others: list.others,
      metrics: list.report?.metrics ?? [],
      row,
      asked,
      isWanted: () => turn === opening,
      onState: ({ frame, view, other }) => {
        if (turn !== opening || document.body.dataset.view !== "video") return;
        const query = addressOf(filter, sorts);
        query.set("video", id);
        query.set("frame", String(frame));
        if (view) query.set("view", view);
        if (other !== null && other !== otherFor(row)) query.set("against", String(other));
        write(query, { isPlace: false });
      },
    });
    if (opened) open = opened;
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    if (turn !== opening) return;
    toast(error.message, "bad");
    if (from === "report") toReport();
    else back();
  }
}

function closeVideo() {
  showView("list");
  if (grid.selected) grid.selectRow(grid.selected);
  byId("grid").focus({ preventScroll: true });
}

/** Shows the list, the report or the place of one video; what was open is closed. */
function showView(view) {
  opening++;
  open?.close();
  open = null;
  document.body.dataset.view = view;
  for (const name of ["list", "report", "video"]) byId(name).hidden = name !== view;
  for (const name of ["back", "previous-video", "next-video", "place"]) byId(name).hidden = view !== "video";
  byId("label").hidden = true;
  byId("title").textContent = list.name;
  for (const button of byId("views").children) button.setAttribute("aria-pressed", String(button.dataset.command === { list: "videos", report: "report" }[view]));
}

// --- The report ------------------------------------------------------------------------------------------------------

/** A page with a report opens with it, unless its address says something else. What was measured stands in its tables. */
async function startReport() {
  const { entries } = await data.measured(0);
  addMeasured(byVideo, list.measured_fields, entries);
  measuredCount = entries.length;
  byId("views").hidden = false;
  if (!location.hash) history.replaceState(null, "", "#report");
}

function showReport() {
  showView("report");
  if (!byId("report").childElementCount) reportIn(byId("report"), { list, rows, onOpen: (id) => openRow(byVideo.get(id)) });
  byId("report").querySelector("h1").focus({ preventScroll: true });
}

function toReport() {
  if (!list.report) return toast("This page has no report.");
  write("report", { isPlace: true });
  showReport();
}

/** To the list. */
function back() {
  write(addressOf(filter, sorts), { isPlace: true });
  closeVideo();
}

function beside(by) {
  const id = address().get("video");
  const place = selection.rows.findIndex((row) => row.video_id === id);
  const next = selection.rows[place + by];
  if (next) openRow(next);
  else toast(by > 0 ? "This is the last video of the list." : "This is the first video of the list.");
}

// --- Keys and buttons ------------------------------------------------------------------------------------------------

const commands = {
  move: (repeat, { key }) => grid.moveBy(Number(key === "ArrowRight") - Number(key === "ArrowLeft"), Number(key === "ArrowDown") - Number(key === "ArrowUp")),
  page: (repeat, { key }) => grid.pageBy(key === "PageDown" ? 1 : -1),
  ends: (repeat, { key }) => grid.select(key === "Home" ? 0 : grid.rows.length - 1),
  open: () => grid.selected && openRow(grid.selected),
  search: () => byId("search").focus(),
  jump: () => byId("jump").focus(),
  filters: () => {
    const isDrawer = getComputedStyle(byId("show-filters")).display !== "none";
    if (isDrawer && document.body.classList.contains("with-filters")) return home();
    document.body.classList.add("with-filters");
    byId("filters").querySelector("input, select")?.focus();
  },
  sort: () => byId("sort").focus(),
  turn: () => setFilter({ ...filter, turned: !filter.turned }),
  clear: () => setFilter({ ...filterOf(new URLSearchParams(), sorts), sort: filter.sort, turned: filter.turned, other: filter.other }),
  help: () => help(),
  report: toReport,
  videos: back,
  back,
  "next-video": () => beside(1),
  "previous-video": () => beside(-1),
};

function run(command, event) {
  const action = open?.commands[command] ?? commands[command];
  if (action) action(event.repeat === true, event);
  return Boolean(action);
}

function listen() {
  window.addEventListener("hashchange", arrive);
  window.addEventListener("popstate", arrive);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-command]");
    if (button) run(button.dataset.command, event);
    else if (byId("videos").contains(event.target)) document.body.classList.remove("with-filters");
  });
  document.addEventListener("keydown", (event) => {
    const { target } = event;
    const types = target.matches("input:not([type=checkbox]), select, textarea");
    if (event.key === "Escape" && types) return (target.blur(), home());
    if (types || byId("help").open) return;
    if ((event.key === " " || event.key === "Enter") && target.closest("button, a, label, input")) return; // it presses them
    const { view } = document.body.dataset;
    const groups = { video: ["One video", "Picture"], report: ["Report"] }[view] ?? ["All videos"];
    const command = event.key === "?" ? "help" : event.key === "Escape" && view === "list" ? "home" : commandOf(event, groups);
    if (command === "home") return home();
    if (command && run(command, event)) event.preventDefault();
  });
  let typing = null;
  byId("search").addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => {
      const next = { ...filter, words: byId("search").value };
      apply(next);
      write(addressOf(next, sorts), { isPlace: false });
    }, 60);
  });
  byId("search").addEventListener("keydown", (event) => event.key === "Enter" && byId("grid").focus());
  byId("sort").addEventListener("change", () => setFilter({ ...filter, sort: byId("sort").value, turned: false }));
  byId("jump").addEventListener("change", () => {
    const place = Number(byId("jump").value);
    byId("jump").value = "";
    if (place >= 1) grid.select(Math.min(place, grid.rows.length) - 1);
    byId("grid").focus();
  });
  byId("banner-close").addEventListener("click", () => (byId("banner").hidden = true));
}

function home() {
  document.body.classList.remove("with-filters");
  ({ video: byId("picture"), report: byId("report").querySelector("h1") }[document.body.dataset.view] ?? byId("grid")).focus();
}

function help() {
  byId("help-body").replaceChildren(
    ...KEYS.map(([group, lines]) => h("section", {}, h("h3", {}, group), h("dl", {}, lines.map(([keys, does]) => h("div", {}, h("dt", {}, keys.split(" ").map((key) => h("kbd", {}, nameOf(key)))), h("dd", {}, does)))))),
  );
  byId("help").showModal();
}

start().catch((error) => {
  document.body.dataset.view = "trouble";
  byId("banner").hidden = false;
  byId("banner-text").textContent = error instanceof DataError ? error.message : `Something went wrong: ${error.message}`;
  throw error;
});
