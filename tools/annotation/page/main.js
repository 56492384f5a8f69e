// The page: the person's name, the views, the top line, and the commands of keys and buttons.

import { Lost, Refusal, afterNewSession, get, hello, listen, session } from "./api.js";
import { changesOf, commandsOf } from "./commands.js";
import { byId, fillWith, h, toast } from "../shared/dom.js";
import { openEditor } from "./editor.js";
import { KEYS, commandOf, nameOf } from "./keys.js";
import { statusWord } from "./panel.js";
import { legend } from "./toolbars.js";
import { showVideos } from "./videos.js";

const LIST_EVERY_MS = 3000;

let project = null;
let editor = null;
let commands = {};
let changes = {};
let connected = true;
let leaving = new AbortController(); // of what the address named
let early = null; // the messages about videos since one is being opened

const app = {
  get artifactTypes() {
    return project.artifact_types;
  },
  get subtypes() {
    return project.subtypes;
  },
  /** Whether people work apart from each other. */
  get apart() {
    return project.mode === "independent";
  },
  openVideo: (id) => (location.hash = `video/${id}`),
  openNext: (after) => openNext({ after }, "Every video is finished, or others work on the rest.", after),
  openNextReview: (after) => openNext({ after, for: "review" }, "No video waits for your review.", after),
  saving: showSaving,
  title: showTitle,
};

async function openNext(query, none, after) {
  const { video_id: next } = await get("api/next", after ? query : { ...query, after: "" });
  if (next && next !== after) app.openVideo(next);
  else {
    toast(none, "good");
    location.hash = "videos";
  }
}

function showView(name) {
  for (const view of document.querySelectorAll(".view")) view.hidden = view.id !== name;
  document.body.dataset.view = name;
}

/** Shows what the address names: #video/ID, or the list. */
async function showAddressed() {
  leaving.abort();
  const { signal } = (leaving = new AbortController());
  editor = null;
  commands = {};
  early = null;
  document.body.classList.remove("loading");
  byId("saving").hidden = byId("status").hidden = byId("banner").hidden = byId("try-again").hidden = true;
  const [, id] = location.hash.match(/^#video\/([\w-]+)$/) ?? [];
  if (!id) return showList(signal);
  showView("editor");
  document.body.classList.add("loading");
  byId("title").textContent = `Reading ${id}…`;
  early = [];
  try {
    const opened = await openEditor(id, app, signal);
    if (!opened) return;
    editor = opened;
    commands = commandsOf(editor);
    changes = changesOf(editor);
    for (const message of early) hear(message); // what came after the state was read
    showSaving(editor.video);
    showBanner();
    byId("picture").focus({ preventScroll: true });
  } catch (error) {
    if (!(error instanceof Refusal) && !(error instanceof Lost)) throw error;
    toast(error.message, "bad");
    if (!signal.aborted) location.hash = "videos";
  } finally {
    if (!signal.aborted) document.body.classList.remove("loading");
  }
}

async function showList(signal = leaving.signal) {
  try {
    project = await get("api/project");
  } catch (error) {
    return toast(error.message, "bad");
  }
  if (signal.aborted) return;
  showView("videos");
  byId("title").textContent = "BrokenVideos annotate";
  document.title = "BrokenVideos annotate";
  showVideos(byId("videos"), project, { user: session.user, next: () => app.openNext(""), nextReview: () => app.openNextReview("") });
}

function showTitle(video) {
  const { name, video_id: id, status } = video.state;
  byId("title").textContent = name || id;
  byId("title").title = id;
  document.title = `${name || id} · BrokenVideos annotate`;
  const chip = byId("status");
  chip.hidden = false;
  chip.className = `chip ${status}`;
  chip.textContent = statusWord(status, app.apart);
  showBanner();
}

const SAVING_WORDS = {
  saved: "Saved", saving: "Saving…", lost: "Not saved: connection lost, trying again", full: "Not saved: the disk of the server is full",
};

function showSaving(video) {
  const state = !connected && video.saving === "saved" ? "away" : video.saving;
  byId("saving").hidden = false;
  byId("saving").dataset.state = state;
  const words = state === "away" ? "Connection lost, trying again" : SAVING_WORDS[state];
  const more = (state === "lost" || state === "full") && video.unsaved > 1 ? ` (${video.unsaved} changes wait)` : "";
  if (byId("saving-text").textContent !== words + more) byId("saving-text").textContent = words + more;
  byId("try-again").hidden = state !== "lost" && state !== "full";
}

/** The line below the top line: who holds the video, why it cannot be changed, and the reviewer's note. */
function showBanner() {
  if (!editor) return;
  const { video } = editor;
  const { lock, status, notices, notes, raw } = video.state;
  const parts = [];
  const actions = [];
  if (!lock.mine && lock.holder) {
    parts.push(lock.same_name ? "This video is open in another tab of yours. Here you can look at it but not change it." : `${lock.holder} is working on this video. You can look at it but not change it.`);
    actions.push(["take-over", "Take over", lock.same_name], ["try-lock", "Try again", !lock.same_name]);
  } else if (!lock.mine) {
    parts.push("Nobody holds this video now.");
    actions.push(["try-lock", "Work on it", true]);
  }
  if (video.state.read_only) parts.push(video.state.read_only);
  const back = status === "rejected" ? notes.filter((note) => note.kind === "reject" && note.open) : [];
  for (const note of back) parts.push(`${note.user} gave it back${note.frame_index === null ? "" : ` (frame ${note.frame_index})`}: “${note.note}”`);
  parts.push(...notices.filter((notice) => notice !== video.state.read_only));
  if (notices.some((notice) => notice.includes("go on with this one"))) actions.push(["accept-video", "Go on with the changed file", lock.mine]);
  if (raw?.error) parts.push(`The result folder could not be written: ${raw.error}`);
  const signature = JSON.stringify([parts, actions]);
  const banner = byId("banner");
  banner.hidden = !parts.length;
  if (banner.dataset.signature === signature) return;
  banner.dataset.signature = signature;
  fillWith(byId("banner-text"), parts.map((part) => h("span", {}, part)));
  fillWith(byId("banner-actions"), actions.map(([command, words, show]) => show && h("button", { type: "button", class: "small", "data-command": command }, words)));
}

function hear(message) {
  if (message.video_id && !editor) return early?.push(message);
  const mine = editor?.video.isAbout(message);
  if (message.type === "changes" && mine) editor.video.apply(message.changes);
  else if (message.type === "job" && mine) {
    const before = editor.video.running;
    editor.video.setJob(message.job);
    if (before && message.job.state === "failed") toast(message.job.message ?? "The engine could not propagate the masks.", "bad");
    else if (before && message.job.state === "done") toast(message.job.message ?? `Propagated to frame ${message.job.stop}.`, "good");
    else if (before && message.job.state === "cancelled") toast("Cancelled. The masks until now stay; Ctrl + Z removes them.");
  } else if (message.type === "lock" && mine) editor.video.setLock(message.lock);
  else if (message.type === "raw" && mine) editor.video.set({ raw: message.raw });
  else if (message.type === "notice") toast(message.message, "bad");
  else if (message.type === "videos" && project) {
    const rows = new Map(message.videos.map((row) => [row.video_id, row]));
    project.videos = project.videos.map((row) => rows.get(row.video_id) ?? row);
    if (!byId("videos").hidden) showListSoon();
  }
}

let listTimer = null;

/** Loads the shown list again when others have worked, at most every few seconds. */
function showListSoon() {
  listTimer ??= setTimeout(() => {
    listTimer = null;
    if (!byId("videos").hidden) showList();
  }, LIST_EVERY_MS);
}

function hearConnection(now) {
  const back = now && !connected;
  connected = now;
  if (!editor) return;
  showSaving(editor.video);
  if (back) editor.video.again().then(() => editor.video.retry(), () => {});
}

function showHelp() {
  const body = byId("help-body");
  if (!body.children.length) {
    body.append(h("p", {}, "Mouse: the wheel makes the picture larger or smaller. The middle button moves it. With the tools Add and Remove the right button does the opposite. On a touch screen two fingers move and zoom."));
    body.append(...KEYS.map(([group, rows]) => h("section", {}, h("h3", {}, group), h("dl", {}, rows.map(([keys, does]) =>
      h("div", {}, h("dt", {}, keys.split(" ").slice(0, 2).map((key) => h("kbd", {}, nameOf(key)))), h("dd", {}, does)))))));
  }
  byId("help").showModal();
}

/** Runs a command. Returns whether the command exists. */
function run(command, value, event) {
  if (command === "help") return showHelp(), true;
  const action = commands[command];
  if (!action) return false;
  Promise.resolve(action(value, event)).catch((error) => {
    if (!(error instanceof Refusal) && !(error instanceof Lost)) throw error;
    toast(error.message, "bad");
  });
  return true;
}

document.addEventListener("keydown", (event) => {
  if (document.querySelector("dialog[open]")) return;
  const field = event.target.closest?.("input:not([type=checkbox]), textarea, select");
  if (field) {
    if (event.key === "Escape" || event.key === "Enter") byId("picture").focus();
    return;
  }
  const command = commandOf(event);
  // Enter and Space press a focused button.
  if (event.target.closest?.("button, a") && (event.key === "Enter" || event.key === " ") && command !== "finish" && command !== "reject") return;
  if (command && run(command, undefined, event)) event.preventDefault();
});

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-command]");
  if (button && !button.disabled) run(button.dataset.command, button.dataset.value, event);
});

document.addEventListener("change", (event) => {
  const change = changes[event.target.dataset?.change];
  if (change && editor) change(event.target);
});

byId("try-again").addEventListener("click", () => editor?.video.retry());
byId("who").addEventListener("click", () => {
  sessionStorage.removeItem("user");
  sessionStorage.setItem("ask-name", "yes");
  location.hash = "";
  location.reload();
});

addEventListener("beforeunload", (event) => {
  if (editor?.video.unsaved) event.preventDefault();
});
addEventListener("pagehide", () => editor?.close({ last: true }));
addEventListener("pageshow", (event) => event.persisted && location.reload());
addEventListener("hashchange", showAddressed);

/** Resolves to the person's name: from this tab, from the command line, or from the form. */
async function nameOfPerson(given) {
  const known = sessionStorage.getItem("user") ?? (sessionStorage.getItem("ask-name") ? null : given);
  if (known) return known;
  showView("welcome");
  byId("name").value = localStorage.getItem("name") ?? given ?? "";
  byId("name").select();
  return new Promise((resolve) => {
    byId("name-form").onsubmit = (event) => {
      event.preventDefault();
      const name = byId("name").value.trim();
      if (!name) return;
      localStorage.setItem("name", name);
      sessionStorage.removeItem("ask-name");
      resolve(name);
    };
  });
}

async function start() {
  byId("legend").append(...legend());
  for (;;) {
    try {
      await hello(await nameOfPerson(await givenName()));
      project = await get("api/project");
      break;
    } catch (error) {
      if (!(error instanceof Refusal) && !(error instanceof Lost)) throw error;
      toast(error.message, "bad");
      if (error instanceof Lost) await new Promise((resolve) => setTimeout(resolve, 2000));
      else {
        sessionStorage.removeItem("user");
        sessionStorage.setItem("ask-name", "yes");
      }
    }
  }
  byId("who").textContent = session.user;
  byId("who").hidden = false;
  afterNewSession(() => editor?.video.inNewSession());
  listen({ onMessage: hear, onState: hearConnection });
  await showAddressed();
}

/** The name that the command line gives, or null. */
async function givenName() {
  try {
    return (await get("api/project")).user ?? null;
  } catch (error) {
    if (error instanceof Refusal) return null;
    throw error;
  }
}

start();
