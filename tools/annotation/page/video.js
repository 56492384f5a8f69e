// One video on the page: the server's state, kept up to date, and the queue of actions that are not saved yet.

import { markOf, markOfBitmap } from "../shared/marks.js";
import { Lost, Refusal, get, post, postLast } from "./api.js";
import { includes, insert } from "./ranges.js";

const MARK_BUDGET_BYTES = 128 * 2 ** 20;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 5000;

const uses = new Map(); // video id → how often it is open in this page: twice while it is opened again before it is closed
let lastUnlock = Promise.resolve();
let lastLock = Promise.resolve();

/**
 * Opens a video: its state, its lock, and the actions that an earlier page could not save. `onChange(keys)` runs after every change. Resolves to null if
 * `signal` came first, because the page shows another video by then.
 */
export async function openVideo(videoId, { onChange, onTrouble, signal }) {
  uses.set(videoId, (uses.get(videoId) ?? 0) + 1);
  let video;
  try {
    await lastUnlock; // else it could free the lock that is asked for now
    video = new Video(await get(`api/video/${videoId}`), onChange, onTrouble);
    // One lock after the other: the server frees all others of this page when it gives one.
    const lock = lastLock.then(() => signal.aborted || video.askForLock({ isNew: true }));
    lastLock = lock.catch(() => {});
    await lock;
  } catch (error) {
    if (isLastUse(videoId)) lastUnlock = unlock(videoId);
    throw error;
  }
  if (video.state.lock.mine) video.resume();
  if (!signal.aborted) return video;
  video.close();
  return null;
}

const unlock = (videoId) => post(`api/video/${videoId}/unlock`).catch(() => {}); // where it fails the lock ends with the session

/** Ends one use of a video. Returns whether it was the only one. */
function isLastUse(videoId) {
  const left = uses.get(videoId) - 1;
  if (left) uses.set(videoId, left);
  else uses.delete(videoId);
  return !left;
}

class Video {
  #queue = [];
  #sending = false;
  #closing = false;
  #wait = FIRST_WAIT_MS;
  #timer = null;
  #marks = new Map(); // counts → mark, the oldest first
  #marksBytes = 0;
  #drawn = new Map(); // "object frame" → mark that the person drew and the server has not got yet
  #ended = new Map(); // job → how it ended
  #beginning = null; // of a new session: ends when that holds this video's lock
  #waitingForJob = new Map(); // job → what to call then
  #onChange;
  #onTrouble;
  closed = false;
  /** "saved", "saving", "lost" (no connection) or "full" (disk full). */
  saving = "saved";

  constructor(state, onChange, onTrouble) {
    this.#onChange = onChange;
    this.#onTrouble = onTrouble;
    this.#take(state);
  }

  get id() {
    return this.state.video_id;
  }

  get storageKey() {
    return `unsaved ${location.pathname} ${this.state.video_id}`;
  }

  /** Actions that are not saved yet. */
  get unsaved() {
    return this.#queue.length;
  }

  get running() {
    return this.state.job?.state === "running" ? this.state.job : null;
  }

  /** Why this person cannot change masks, in words; null when they can. */
  get readOnly() {
    const { lock, status, read_only: why } = this.state;
    if (why) return why;
    if (!lock.mine) return lock.holder ? `${lock.holder} is working on this video. You can look at it but not change it.` : "You do not hold this video's lock.";
    if (status === "submitted") return "This video waits for its review.";
    if (status === "approved") return "This video is approved.";
    return null;
  }

  /** Why masks cannot be changed at this moment, in words; null when they can. */
  get notEditable() {
    return this.readOnly ?? (this.running ? "The engine is propagating masks now. Wait, or cancel it (Esc)." : null);
  }

  /** Whether a message is about this annotation. The page may have shown another one of the same video just before. */
  isAbout = (message) => message.video_id === this.id && message.annotation === this.state.annotation;
  isLocked = (frame) => includes(this.state.locked, frame);
  isSeen = (frame) => includes(this.state.seen, frame);

  /** The mask in the server's state, or undefined. */
  mask = (objectId, frame) => this.byFrame.get(frame)?.get(objectId);

  /** A mask as a bitmap to draw; a mask that the person has just drawn wins over the server's. Null for no mask. */
  mark(objectId, frame) {
    const drawn = this.#drawn.get(`${objectId} ${frame}`);
    if (drawn) return drawn;
    const mask = this.mask(objectId, frame);
    if (!mask) return null;
    const known = this.#marks.get(mask.counts);
    if (known) return known;
    const mark = markOf(mask.counts, this.state.height, this.state.width);
    this.#marks.set(mask.counts, mark);
    this.#marksBytes += mark.bitmap.length;
    for (const [counts, old] of this.#marks) {
      if (this.#marksBytes <= MARK_BUDGET_BYTES || old === mark) break;
      this.#marks.delete(counts);
      this.#marksBytes -= old.bitmap.length;
    }
    return mark;
  }

  /** Shows a bitmap as this object's mask until the server has it. */
  showDrawn(objectId, frame, bitmap) {
    this.#drawn.set(`${objectId} ${frame}`, markOfBitmap(bitmap, this.state.height, this.state.width));
    this.#onChange(["masks"]);
  }

  /** Frames on which a person marked something (of one object, or of any), in order. */
  keyframes(objectId = null) {
    const frames = [];
    for (const [frame, masks] of this.byFrame) {
      for (const [id, mask] of masks) {
        if (mask.keyframe && (objectId === null || id === objectId)) {
          frames.push(frame);
          break;
        }
      }
    }
    return frames.sort((a, b) => a - b);
  }

  /** Sends an action; resolves to the server's answer, or to null if it was refused. The page shows why, unless `quiet`. */
  do(action, { quiet = false } = {}) {
    return new Promise((resolve) => {
      this.#queue.push({ id: crypto.randomUUID(), action, quiet, resolve });
      this.#keep();
      this.#sendNext();
    });
  }

  /** Sends waiting actions at once, because the person pressed a button or the connection is back. */
  retry() {
    if (this.#timer === null) return; // nothing waits, or an action is on its way
    clearTimeout(this.#timer);
    this.#wait = FIRST_WAIT_MS;
    this.retryQuietly();
  }

  /** Sends actions that an earlier page could not send. */
  resume() {
    this.#queue = stored(this.storageKey);
    const changes = this.#queue.filter(({ action }) => action.action !== "seen").length;
    if (changes) this.#onTrouble(`Sending ${changes} change(s) that were not saved when this page was closed.`);
    this.#sendNext();
  }

  /** Asks for the lock. Whoever had it may have changed the video, so its state is loaded too, unless it just was: `isNew`. */
  async askForLock({ take = false, isNew = false } = {}) {
    try {
      const { lock } = await post(`api/video/${this.id}/lock`, { take });
      if (!isNew) await this.reload();
      this.#takeLock(lock);
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== "locked") throw error;
      this.#takeLock(error.extra.lock);
    }
    this.#onChange(["lock"]);
  }

  /** What the server tells of the lock. */
  setLock(lock) {
    this.#takeLock(lock);
    this.#onChange(["lock"]);
  }

  /** Keeps the later one of two news of the lock: an answer and the live channel can overtake each other. */
  #takeLock(lock) {
    if (lock.turn >= this.state.lock.turn) this.state.lock = lock;
  }

  /** Loads the server's state again: after a lost connection, a new session, or missed changes. */
  async reload() {
    const state = await get(`api/video/${this.id}`);
    if (this.closed) return;
    // The answer to an action may have come in between: then only the lock, which a new session has lost, is news.
    if (state.annotation === this.state.annotation && state.revision < this.state.revision) return this.setLock(state.lock);
    this.#take(state);
    this.#onChange(Object.keys(state));
  }

  /** Takes the lock again, because a new session holds none, and loads the state. */
  async again() {
    await this.reload();
    if (!this.state.lock.mine) await this.askForLock({ isNew: true });
  }

  /** Begins in a new session of the server. Actions wait for its lock and its state, else it refuses them. */
  async inNewSession() {
    const beginning = (this.#beginning = this.again());
    try {
      await beginning;
    } finally {
      if (this.#beginning === beginning) this.#beginning = null;
    }
  }

  /** The body of an action. */
  async #request({ id, action }) {
    await this.#beginning?.catch(() => {});
    return { id, revision: this.state.revision, action };
  }

  /** Applies changes from the server; loads the video again if some were missed. */
  apply(changes) {
    if (this.closed || changes.revision <= this.state.revision) return;
    if (changes.from > this.state.revision) return this.reload().catch(() => {});
    const { from, revision, masks, ...rest } = changes;
    this.state.revision = revision;
    for (const [objectId, frame, mask] of masks ?? []) this.#setMask(objectId, frame, mask);
    Object.assign(this.state, rest);
    this.#onChange(["revision", ...(masks?.length ? ["masks"] : []), ...Object.keys(rest)]);
  }

  /** Applies the state of a job, unless the job has ended already and the message came late. */
  setJob(job) {
    if (this.#ended.has(job.job)) return;
    this.set({ job });
    if (job.state === "running") return;
    this.#ended.set(job.job, job.state);
    this.#waitingForJob.get(job.job)?.(job.state);
    this.#waitingForJob.delete(job.job);
  }

  /** Resolves to how the job ends: "done", "cancelled" or "failed". */
  jobEnd(id) {
    return new Promise((resolve) => (this.#ended.has(id) ? resolve(this.#ended.get(id)) : this.#waitingForJob.set(id, resolve)));
  }

  set(values) {
    Object.assign(this.state, values);
    this.#onChange(Object.keys(values));
  }

  /**
   * Frees the lock when all actions are saved, unless the page has opened the video again. Actions that cannot be saved now stay in this browser and are sent when the video
   * is opened again. `last`: the page is being closed, so it cannot wait.
   */
  close({ last = false } = {}) {
    this.#onChange = () => {};
    this.#closing = true;
    if (last) this.#end(() => postLast(`api/video/${this.id}/unlock`));
    else if (!this.#queue.length) this.#end();
    else if (this.saving === "lost" || this.saving === "full") this.#leave();
  }

  #end(free = () => (lastUnlock = unlock(this.id))) {
    if (this.closed) return;
    this.closed = true;
    clearTimeout(this.#timer);
    if (isLastUse(this.id)) free();
  }

  #leave() {
    this.#onTrouble(`Not saved yet: ${this.#queue.length} change(s) of ${this.id}. They are kept in this browser and sent when you open the video again.`);
    this.#end();
  }

  #take(state) {
    const { lock } = this.state ?? state;
    this.state = state;
    this.#takeLock(lock);
    if (this.#ended.has(state.job?.job)) state.job = null;
    this.byFrame = new Map();
    this.#drawn.clear();
    for (const [objectId, frame, mask] of state.masks) this.#setMask(objectId, frame, mask);
    delete state.masks;
  }

  #setMask(objectId, frame, mask) {
    let masks = this.byFrame.get(frame);
    if (!masks) this.byFrame.set(frame, (masks = new Map()));
    if (mask) masks.set(objectId, mask);
    else masks.delete(objectId);
    if (!masks.size) this.byFrame.delete(frame);
  }

  #keep() {
    try {
      if (this.#queue.length) localStorage.setItem(this.storageKey, JSON.stringify(this.#queue.map(({ id, action }) => ({ id, action }))));
      else localStorage.removeItem(this.storageKey);
    } catch {
      // The browser's storage is full, so the queue is only in this page, which asks before it is closed.
    }
    this.#onChange(["saving"]);
  }

  async #sendNext() {
    if (this.#sending || !this.#queue.length || this.closed) return;
    this.#sending = true;
    const entry = this.#queue[0];
    if (entry.action.action !== "seen") this.#say("saving");
    let answer = null;
    try {
      answer = await post(`api/video/${this.id}/do`, () => this.#request(entry));
      this.apply(answer.changes);
      if (answer.job) this.setJob(answer.job);
    } catch (error) {
      if (this.#postpone(error)) return;
      if (error.code === "stale") await this.reload().catch(() => {});
      if (!entry.quiet || error.code !== "refused") this.#onTrouble(error.message, error);
    }
    this.#queue.shift();
    this.#sending = false;
    this.#wait = FIRST_WAIT_MS;
    const { object_id: objectId, frame_index: frame } = entry.action;
    const key = `${objectId} ${frame}`;
    if (!this.#queue.some(({ action }) => `${action.object_id} ${action.frame_index}` === key) && this.#drawn.delete(key)) this.#onChange(["masks"]);
    if (!this.#queue.length) this.#say("saved");
    this.#keep();
    entry.resolve?.(answer);
    if (this.#closing && !this.#queue.length) this.#end();
    this.#sendNext();
  }

  /** Whether the action stays in the queue, because there is no connection or the server's disk is full. */
  #postpone(error) {
    const full = error instanceof Refusal && error.code === "disk-full";
    if (!full && !(error instanceof Lost)) return false;
    if (this.#closing) return this.#leave(), true;
    this.#say(full ? "full" : "lost");
    this.#timer = setTimeout(() => this.retryQuietly(), this.#wait);
    this.#wait = Math.min(LONGEST_WAIT_MS, this.#wait * 2);
    return true;
  }

  retryQuietly() {
    this.#timer = null;
    this.#sending = false;
    this.#sendNext();
  }

  #say(saving) {
    // "saving" after trouble would flicker with every try.
    if (saving === "saving" && (this.saving === "lost" || this.saving === "full")) return;
    this.saving = saving;
    this.#onChange(["saving"]);
  }

  /** Marks frames as seen, here at once; they are sent with the next batch. */
  markSeen(frames) {
    this.state.seen = frames.reduce((ranges, frame) => insert(ranges, frame), this.state.seen);
    this.#onChange(["seen"]);
  }
}

function stored(key) {
  try {
    return JSON.parse(localStorage.getItem(key) ?? "[]");
  } catch {
    return [];
  }
}
