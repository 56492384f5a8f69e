// Calls of the server: a session with a name, requests whose errors have a message for the person, and the live channel.

/** A refused request: `code` of the server's list, `message` for the person, `extra` with the other values. */
export class Refusal extends Error {
  constructor(status, { code, message, ...extra }) {
    super(message);
    Object.assign(this, { status, code, extra });
  }
}

/** A request without an answer. It may have arrived or not. */
export class Lost extends Error {}

export const session = { id: null, user: null };
let greeting = null;

/** Starts a session under this name. */
export async function hello(user) {
  const answer = await send("api/hello", { user });
  session.id = answer.session;
  session.user = answer.user;
  sessionStorage.setItem("user", answer.user);
  return answer;
}

/** Starts a new session after a restart of the server. Calls at the same time share one request. */
function helloAgain() {
  greeting ??= hello(session.user).finally(() => (greeting = null));
  return greeting;
}

/** Starts a session in place of a lost one, and what is to be done in it. */
async function beginAgain() {
  await helloAgain();
  await onNewSession();
}

/** The JSON of a GET, with the session if there is one. */
export async function get(path, query = {}) {
  return withSession(() => {
    const parameters = new URLSearchParams({ ...query, ...(session.id && { session: session.id }) });
    return send(`${path}?${parameters}`);
  });
}

/** The JSON of a POST with the session in its body. A function as `body` is called for each attempt: its answer is the body. */
export const post = (path, body = {}) =>
  withSession(async () => send(path, { ...(typeof body === "function" ? await body() : body), session: session.id }));

/** A POST that is sent even while the page is being closed, without waiting for an answer. */
export function postLast(path, body = {}) {
  fetch(path, { ...request({ ...body, session: session.id }), keepalive: true }).catch(() => {});
}

export const frameUrl = (videoId, index, exact, { version, height, prefetch } = {}) => {
  const query = new URLSearchParams({ session: session.id, ...(version && { v: version }), ...(height && { height }), ...(prefetch && { prefetch: 1 }) });
  return `frame/${videoId}/${index}.${exact ? "png" : "jpg"}?${query}`;
};

let onNewSession = async () => {};

/** Sets an `action` to run after a lost session was started again, before the failed request is repeated. */
export const afterNewSession = (action) => (onNewSession = action);

async function withSession(attempt) {
  const before = session.id;
  try {
    return await attempt();
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== "no-session" || !session.user) throw error;
    if (session.id === before) await beginAgain();
    return attempt();
  }
}

const request = (body) => ({ method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

async function send(path, body) {
  let answer;
  let text;
  try {
    answer = await fetch(path, body === undefined ? {} : request(body));
    text = await answer.text();
  } catch {
    throw new Lost("The connection to the server is lost.");
  }
  let content;
  try {
    content = JSON.parse(text);
  } catch {
    content = { error: { code: "unknown", message: text.trim().slice(0, 300) || `The server answered ${answer.status}.` } };
  }
  if (!answer.ok) throw new Refusal(answer.status, content.error ?? { code: "unknown", message: `The server answered ${answer.status}.` });
  return content;
}

/**
 * Listens to the server. `onMessage` gets every message; `onState(connected)` is called when the connection opens or closes.
 * A lost connection is opened again, soon at first and then every five seconds.
 */
export function listen({ onMessage, onState }) {
  let tries = 0;
  const connect = () => {
    const address = new URL(`live?session=${encodeURIComponent(session.id)}`, location.href);
    address.protocol = address.protocol.replace("http", "ws");
    address.hash = "";
    const socket = new WebSocket(address);
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      if (message.type === "hello") {
        tries = 0;
        onState(true);
      }
      onMessage(message);
    };
    socket.onclose = async ({ code }) => {
      onState(false);
      if (code === 4401) {
        try {
          await beginAgain();
        } catch {
          // The server cannot be reached: the next try starts a session again.
        }
      }
      setTimeout(connect, Math.min(5000, 250 * 2 ** tries++));
    };
  };
  connect();
}

/** The Response for a frame; a lost session is started again. */
export async function fetchFrame(videoId, index, exact, { ahead, signal, version }) {
  const once = () => fetch(frameUrl(videoId, index, exact, { version, prefetch: ahead }), { signal });
  const answer = await once();
  if (answer.status !== 401) return answer;
  await get("api/project"); // says hello again
  return once();
}
