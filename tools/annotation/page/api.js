// The server as the page meets it: a session with a name, requests that say in words what went wrong, and the live channel.

/** What the server refused: `code` as in its list, `message` for the person, `extra` what came with it. */
export class Refusal extends Error {
  constructor(status, { code, message, ...extra }) {
    super(message);
    Object.assign(this, { status, code, extra });
  }
}

/** No answer came: nobody knows whether the request arrived. */
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

/** Starts the session again after the server was started anew; calls that wait at the same time share one greeting. */
function helloAgain() {
  greeting ??= hello(session.user).finally(() => (greeting = null));
  return greeting;
}

/** The JSON of a GET below the token; the session, once there is one, goes with it. */
export async function get(path, query = {}) {
  return withSession(() => {
    const asked = new URLSearchParams({ ...query, ...(session.id && { session: session.id }) });
    return send(`${path}?${asked}`);
  });
}

/** The JSON of a POST with the session in its body. */
export const post = (path, body = {}) => withSession(() => send(path, { ...body, session: session.id }));

/** A POST that is sent even while the page goes away; nobody waits for its answer. */
export function postLast(path, body = {}) {
  fetch(path, { ...request({ ...body, session: session.id }), keepalive: true }).catch(() => {});
}

export const frameUrl = (videoId, index, exact, { version, height, prefetch } = {}) => {
  const query = new URLSearchParams({ session: session.id, ...(version && { v: version }), ...(height && { height }), ...(prefetch && { prefetch: 1 }) });
  return `frame/${videoId}/${index}.${exact ? "png" : "jpg"}?${query}`;
};

let onNewSession = async () => {};

/** `action` runs after a session was lost and started again, before the request that met this is sent once more. */
export const afterNewSession = (action) => (onNewSession = action);

async function withSession(attempt) {
  const before = session.id;
  try {
    return await attempt();
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== "no-session" || !session.user) throw error;
    if (session.id === before) {
      await helloAgain();
      await onNewSession();
    }
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
  let told;
  try {
    told = JSON.parse(text);
  } catch {
    told = { error: { code: "unknown", message: text.trim().slice(0, 300) || `The server answered ${answer.status}.` } };
  }
  if (!answer.ok) throw new Refusal(answer.status, told.error ?? { code: "unknown", message: `The server answered ${answer.status}.` });
  return told;
}

/**
 * Listens to the server. `onMessage` gets every message, `onState(connected)` hears when the connection comes and goes.
 * It comes back by itself, sooner at first and then every five seconds.
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
          await helloAgain();
          await onNewSession();
        } catch {
          // The server is away: the next try says hello again.
        }
      }
      setTimeout(connect, Math.min(5000, 250 * 2 ** tries++));
    };
  };
  connect();
}

/** A frame's Response; a session that was lost is started again. */
export async function fetchFrame(videoId, index, exact, { ahead, signal, version }) {
  const once = () => fetch(frameUrl(videoId, index, exact, { version, prefetch: ahead }), { signal });
  const answer = await once();
  if (answer.status !== 401) return answer;
  await get("api/project"); // says hello again
  return once();
}
