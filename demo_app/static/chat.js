// The chat's page. It talks over WebSocket, and asks again and again (long polling) where that doesn't work.
// Whichever it is: after an interruption it goes on after the last message it has, and sends again, under the
// same key, what was not confirmed.
"use strict";

(() => {
  const SHOWN = 500;
  const LONGEST_PAUSE = 15000;
  // Attempts to open a WebSocket, none of them successful, before it is given up for long polling.
  const ATTEMPTS = 3;

  const element = (id) => document.getElementById(id);
  const list = element("messages");
  const loginForm = element("login");
  const sayForm = element("say");
  const rooms = element("rooms");

  let room = rooms.value;
  let last = "";
  let seen = new Set();
  let socket = null;
  let polling = null;
  let failures = 0;
  let sockets = "untried"; // then "work" or "fail"
  let timer = 0;
  // What was said and not confirmed yet, by key: { text, item }.
  const unconfirmed = new Map();

  const state = (text) => { element("state").textContent = text; };

  const path = (end) => `/chat/${encodeURIComponent(room)}/${end}`;

  function randomKey() {
    // Not crypto.randomUUID(), which is there for https only.
    return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  // --- What is shown. Only by textContent: what people say is text and nothing else. ---

  function add(className, user, text, at) {
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    const item = document.createElement("li");
    item.className = className;
    if (at) {
      const time = document.createElement("time");
      time.dateTime = at;
      time.textContent = new Date(at).toLocaleTimeString();
      item.append(time);
    }
    if (user) {
      const name = document.createElement("b");
      name.textContent = user;
      item.append(name);
    }
    item.append(document.createTextNode(text));
    list.append(item);
    while (list.children.length > SHOWN) list.firstChild.remove();
    if (atEnd) item.scrollIntoView({ block: "end" });
    return item;
  }

  function confirm(key) {
    const own = unconfirmed.get(key);
    if (own) {
      unconfirmed.delete(key);
      own.item.remove();
    }
  }

  function fail(key, text) {
    const own = unconfirmed.get(key);
    if (own) {
      unconfirmed.delete(key);
      own.item.className = "failed";
      own.item.append(document.createTextNode(` (${text})`));
    }
  }

  function receive(answer) {
    if (answer.messages) {
      if (answer.missed) add("note", "", "Some messages are no longer kept.");
      for (const message of answer.messages) {
        if (seen.has(message.id)) continue;
        seen.add(message.id);
        confirm(message.key);
        add("", message.user, message.text, message.at);
      }
      last = answer.last;
      // As many as can come again.
      if (seen.size > 4 * SHOWN) seen = new Set([...seen].slice(-2 * SHOWN));
    } else if (answer.code && answer.key) {
      refused(answer, answer.key);
    }
  }

  function refused(answer, key) {
    if (answer.retry_after && unconfirmed.has(key)) {
      state(answer.message);
      setTimeout(() => send(key), 1000 * answer.retry_after);
    } else {
      fail(key, Object.values(answer.fields || {}).join("; ") || answer.message);
    }
  }

  // --- Listening ---

  function connect() {
    clearTimeout(timer);
    if (sockets === "fail") return poll();
    state("connecting …");
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const opened = new WebSocket(`${scheme}//${location.host}${path("socket")}?last=${encodeURIComponent(last)}`);
    socket = opened;
    let first = true;
    opened.onmessage = (event) => {
      if (socket !== opened) return;
      if (first) {
        first = false;
        sockets = "work";
        failures = 0;
        state("connected");
      }
      receive(JSON.parse(event.data));
      if (opened.readyState === WebSocket.OPEN && !opened.caughtUp) {
        opened.caughtUp = true;
        for (const key of unconfirmed.keys()) send(key);
      }
    };
    opened.onclose = (event) => {
      if (socket !== opened) return;
      socket = null;
      failures += 1;
      if (event.code === 1008) return begin();
      if (sockets === "untried" && failures >= ATTEMPTS) {
        sockets = "fail";
        failures = 0;
      }
      again();
    };
  }

  function again() {
    state("interrupted …");
    // At random, so that all who lost the same server don't come back at the same moment.
    const pause = Math.min(LONGEST_PAUSE, 200 * 2 ** Math.min(failures, 10)) * (0.5 + Math.random());
    clearTimeout(timer);
    timer = setTimeout(begin, pause);
  }

  async function poll() {
    const control = new AbortController();
    polling = control;
    for (const key of unconfirmed.keys()) send(key);
    try {
      while (polling === control) {
        const response = await fetch(`${path("messages")}?last=${encodeURIComponent(last)}&wait=25`, { signal: control.signal });
        const answer = await response.json();
        if (polling !== control) return;
        if (response.status === 401) return begin();
        if (!response.ok) throw new Error(answer.message);
        failures = 0;
        state("connected (polling)");
        receive(answer);
      }
    } catch (error) {
      if (polling !== control) return;
      failures += 1;
      again();
    }
  }

  function disconnect() {
    clearTimeout(timer);
    const [oldSocket, oldPolling] = [socket, polling];
    socket = polling = null;
    if (oldSocket) oldSocket.close();
    if (oldPolling) oldPolling.abort();
  }

  // --- Speaking ---

  async function send(key) {
    const own = unconfirmed.get(key);
    if (!own) return;
    const message = { key, text: own.text };
    if (socket) {
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
      return;
    }
    if (!polling) return;
    try {
      const response = await fetch(path("messages"), {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(message),
      });
      const answer = await response.json();
      if (!response.ok) {
        const wait = response.headers.get("Retry-After");
        refused(wait ? { ...answer, retry_after: Number(wait) } : answer, key);
      }
    } catch (error) {
      setTimeout(() => send(key), 1000);
    }
  }

  sayForm.addEventListener("submit", (event) => {
    event.preventDefault();
    const input = sayForm.elements.text;
    if (!input.value.trim()) return;
    const key = randomKey();
    unconfirmed.set(key, { text: input.value, item: add("waiting", "", input.value) });
    input.value = "";
    send(key);
  });

  // --- Who one is, and where ---

  async function begin() {
    disconnect();
    let answer;
    try {
      const response = await fetch("/isLogined");
      answer = await response.json();
      if (!response.ok) throw new Error(answer.message);
    } catch (error) {
      failures += 1;
      return again();
    }
    loginForm.hidden = answer.logined;
    sayForm.hidden = !answer.logined;
    if (answer.logined) connect();
    else state("not logged in");
  }

  loginForm.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const response = await fetch("/login", { method: "POST", body: new URLSearchParams(new FormData(loginForm)) });
      const answer = await response.json();
      if (!response.ok) return state(answer.message);
      loginForm.elements.password.value = "";
      begin();
    } catch (error) {
      state("no connection");
    }
  });

  rooms.addEventListener("change", () => {
    room = rooms.value;
    last = "";
    failures = 0;
    unconfirmed.clear();
    seen.clear();
    list.replaceChildren();
    begin();
  });

  begin();
})();
