// What a page can try against the control API of a server at `target`: reading, and steering without reading. Every
// attempt tells what the page saw, or that it saw nothing. `TARGETS` and `LABEL` are written above this text.

const STUB = JSON.stringify({ when: { endpoint: "chat" }, reply: { say: "steered" } });
const FROZEN = JSON.stringify({ set: 1 });

const seen = async (response) => `${response.status} ${response.type} ${await response.text()}`;

const fetching = {
  reads: (target) => fetch(`${target}/_mock/snapshot`).then(seen),
  readsOpaquely: (target) => fetch(`${target}/_mock/snapshot`, { mode: "no-cors" }).then(seen),
  posts: (target) => fetch(`${target}/_mock/stubs`, { method: "POST", body: STUB }).then(seen),
  postsOpaquely: (target) => fetch(`${target}/_mock/stubs`, { method: "POST", body: STUB, mode: "no-cors" }).then(seen),
  puts: (target) => fetch(`${target}/_mock/clock`, { method: "PUT", body: FROZEN }).then(seen),
  deletes: (target) => fetch(`${target}/_mock/stubs`, { method: "DELETE" }).then(seen),
  hidesItself: (target) => fetch(`${target}/_mock/reset`, { method: "POST", body: "{}", mode: "no-cors", referrerPolicy: "no-referrer" }).then(seen),
};

const loaded = (tag, attribute, address) =>
  new Promise((resolve) => {
    const element = document.createElement(tag);
    element.onload = () => resolve("load");
    element.onerror = () => resolve("error");
    element[attribute] = address;
    if (tag === "link") element.rel = "stylesheet";
    document.body.append(element);
  });

const embedding = {
  picture: (target) => loaded("img", "src", `${target}/_mock/snapshot`),
  script: (target) => loaded("script", "src", `${target}/_mock/snapshot`),
  style: (target) => loaded("link", "href", `${target}/_mock/snapshot`),
  frame: async (target) => {
    const told = await loaded("iframe", "src", `${target}/_mock/snapshot`);
    const frame = document.querySelector("iframe:last-of-type");
    try {
      return `${told} ${frame.contentDocument.body.innerText}`;
    } catch (error) {
      return `${told} ${error.name}`;
    }
  },
  form: async (target) => {
    const frame = document.createElement("iframe");
    frame.name = `frame${Math.random()}`;
    const form = document.createElement("form");
    Object.assign(form, { method: "POST", action: `${target}/_mock/stubs`, enctype: "text/plain", target: frame.name });
    const field = document.createElement("input");  // name=value is a JSON object
    field.name = STUB.replace(/}$/, ', "id": "form');
    field.value = '"}';
    form.append(field);
    document.body.append(frame, form);
    const told = new Promise((resolve) => (frame.onload = () => resolve("load")));
    form.submit();
    return told;
  },
  beacon: async (target) => `${navigator.sendBeacon(`${target}/_mock/stubs`, STUB)}`,
  socket: (target) =>
    new Promise((resolve) => {
      const socket = new WebSocket(`${target.replace("http", "ws")}/_mock/snapshot`);
      socket.onopen = () => resolve("open");
      socket.onerror = () => resolve("error");
    }),
};

const within = (promise) =>
  Promise.race([promise, new Promise((resolve) => setTimeout(() => resolve("nothing"), 3000))]).catch(
    (error) => `${error.name}`,
  );

async function attempt(kinds) {
  const told = {};
  for (const target of TARGETS)
    for (const [name, make] of Object.entries(kinds))
      told[`${LABEL} ${name} ${target}`] = await within(Promise.resolve().then(() => make(target)));
  return told;
}
