// The source of the page's data: the server, or the files of a folder that needs no server.

const page = Math.random().toString(36).slice(2); // who asks, for the server's queue of frames

/** The data could not be loaded; the message is for the person. */
export class DataError extends Error {}

async function json(path, options) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new DataError("The server does not answer. The command may have ended.");
  }
  const content = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new DataError(content.error?.message ?? `The server answered ${answer.status}.`);
  return content;
}

const server = {
  isStatic: false,
  list: () => json("api/list"),
  measured: (from) => json(`api/measured?from=${from}`),
  startMeasuring: () => json("api/measure", { method: "POST" }),
  isHere: null,
  video: (id) => json(`api/video/${id}`),
  other: (id, number) => json(`api/video/${id}/other/${number}`),
  verify: (id) => json(`api/video/${id}/verify`, { method: "POST" }),
  posterUrl: (id) => `poster/${id}.jpg`,
  fetchFrame: (id, index, exact, { ahead, signal }) => fetch(`frame/${id}/${index}.${exact ? "png" : "jpg"}?page=${page}${ahead ? "&prefetch=1" : ""}`, { signal }),
};

/** A folder of files: `files` comes from its index.js. Every video is a script that registers its data. */
function folder(files) {
  const loaded = new Map(); // id → promise of a video's file
  const waiting = new Map(); // id → resolve
  const numbers = new Map(files.list.columns.video_id.map((id, number) => [id, number])); // ids may be no names of files
  const here = new Set(files.previews);
  window.explore.give = (content) => waiting.get(content.video.video_id)?.(content);
  const load = (id) => {
    if (!loaded.has(id)) {
      if (!here.has(numbers.get(id))) {
        const why = numbers.has(id) ? `${id} has no preview in this folder, which holds ${here.size} of ${numbers.size} videos.` : `This folder has no video ${id}.`;
        return Promise.reject(new DataError(`${why} Run brokenvideos explore on the source itself.`));
      }
      const given = new Promise((resolve, reject) => {
        waiting.set(id, resolve);
        const script = document.createElement("script");
        script.src = `videos/${numbers.get(id)}.js`;
        script.onerror = () => reject(new DataError(`The file ${script.getAttribute("src")} is not in this folder.`));
        document.head.append(script);
        script.onload = () => script.remove();
      });
      loaded.set(id, given);
      for (const old of loaded.keys()) {
        if (loaded.size <= 4) break;
        loaded.delete(old);
      }
    }
    return loaded.get(id);
  };
  return {
    isStatic: true,
    list: async () => files.list,
    measured: async (from) => ({ ...files.measured, entries: files.measured.entries.slice(from) }),
    startMeasuring: async () => {},
    isHere: here.size === numbers.size ? null : (id) => here.has(numbers.get(id)),
    video: async (id) => (await load(id)).video,
    other: async (id, number) => (await load(id)).others[number],
    verify: null,
    posterUrl: (id) => (here.has(numbers.get(id)) ? `posters/${numbers.get(id)}.jpg` : null),
    fetchFrame: async (id, index) => {
      const { video, frames } = await load(id);
      const headers = { "X-Frame-Index": String(index) };
      if (!frames) return new Response(await grey(video), { headers }); // of masks alone
      const content = frames[index];
      if (!content) return new Response(`Frame ${index} is not in this folder: of long videos only some frames are.`, { status: 404 });
      const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
      return new Response(new Blob([bytes], { type: "image/jpeg" }), { headers });
    },
  };
}

/** The picture of a frame that nobody has. */
async function grey({ width, height }) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  context.fillStyle = "#606060";
  context.fillRect(0, 0, width, height);
  return canvas.convertToBlob();
}

export const data = window.explore ? folder(window.explore) : server;
