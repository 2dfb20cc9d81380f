// Openrate in a web page, and in its service worker. Nothing happens before start().
(() => {
  "use strict";
  const AWAY = 30 * 60e3; // ms
  const MOST = 1e3; // facts that wait
  const BATCH = 100; // facts in a request: keepalive takes 64 KiB
  const HOUR = 3600e3;
  const isPage = typeof document != "undefined";
  let options, beat, timer, failures = 0;

  const result = (request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });

  // state: "me", and by id those that the server has to forget. facts: what it has to acknowledge.
  const open = () => {
    const request = indexedDB.open("openrate", 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("state");
      request.result.createObjectStore("facts", { autoIncrement: true });
    };
    return result(request);
  };

  // `work` may await its requests only.
  const transact = async (work) => {
    const database = await open();
    const transaction = database.transaction(["state", "facts"], "readwrite");
    database.close(); // after this
    const done = new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error);
    });
    const state = transaction.objectStore("state");
    const answer = await work(await result(state.get("me")), state, transaction.objectStore("facts"));
    await done;
    return answer;
  };

  const change = (changes) =>
    transact((me, state) => {
      if (me) state.put(Object.assign(me, changes), "me");
      return me;
    });

  const keep = async (facts, fact) => {
    facts.add({ ...fact, at: new Date().toISOString() });
    const keys = await result(facts.getAllKeys());
    if (keys.length > MOST) facts.delete(keys[0]);
  };

  const call = async (me, method, path, token, body) => {
    const answer = await fetch(`${me.server}/v1/${me.sdkKey}/${path}`, {
      method,
      body,
      headers: {
        "Content-Type": "application/json",
        "X-Sent-At": new Date().toISOString(), // the server corrects a wrong clock
        ...(token && { Authorization: "Bearer " + token }),
      },
      credentials: "omit",
      keepalive: true,
      signal: AbortSignal.timeout?.(30e3),
    });
    if (answer.ok) return answer.json();
    const { status, headers } = answer;
    throw Object.assign(Error(await answer.text()), { status, wait: headers.get("Retry-After") * 1e3 });
  };

  const unless = (...statuses) => (error) => {
    if (!statuses.includes(error.status)) throw error;
  };

  const isAllowed = () => self.Notification?.permission == "granted";

  const pushes = async (me) => {
    if (!isPage) return registration.pushManager;
    const registered = await navigator.serviceWorker.register(me.worker);
    const coming = registered.installing || registered.waiting;
    while (!registered.active && coming.state != "redundant")
      await new Promise((resolve) => coming.addEventListener("statechange", resolve));
    return registered.pushManager;
  };

  const existing = async (me) => me?.push && (await pushes(me)).getSubscription();

  const subscription = async (me) => {
    if (!me.push || !isAllowed()) return null;
    const pushManager = await pushes(me);
    const wanted = { userVisibleOnly: true, applicationServerKey: me.vapidKey };
    try {
      return await pushManager.subscribe(wanted); // the one of this key, if it exists
    } catch (error) {
      if (error.name != "InvalidStateError") throw error;
      await (await existing(me)).unsubscribe();
      return pushManager.subscribe(wanted);
    }
  };

  const register = async (me) => {
    const said = JSON.stringify({
      platform: "web",
      installation_id: me.id,
      installation_secret: me.secret,
      language: navigator.language,
      timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
      opted_in: isAllowed(),
      push_token: await subscription(me).catch(() => undefined), // as before
    });
    if (me.token && me.said == said) return me;
    const answer = await call(me, "POST", "installations", "", said);
    return change({ token: answer.installation_token, said });
  };

  const deliver = async (me) => {
    for (;;) {
      const [keys, batch] = await transact((_, __, facts) =>
        Promise.all([result(facts.getAllKeys(null, BATCH)), result(facts.getAll(null, BATCH))]),
      );
      if (!keys.length) return;
      await call(me, "POST", "events", me.token, JSON.stringify(batch)).catch(unless(400, 413));
      await transact((_, __, facts) => facts.delete(IDBKeyRange.bound(keys[0], keys.at(-1))));
    }
  };

  const unregister = async () => {
    for (const gone of await transact((_, state) => result(state.getAll()))) {
      if (!gone.isGone) continue;
      await call(gone, "DELETE", "installations/" + gone.id, gone.token).catch(unless(401, 404));
      await transact((_, state) => state.delete(gone.id));
    }
  };

  const attempt = async (isSecond) => {
    const me = await change();
    try {
      if (me) await deliver(await register(me));
    } catch (error) {
      if (error.status != 401 || isSecond) throw error;
      await change({ token: "" }); // it is void
      return attempt(true);
    }
    await unregister().catch((error) => {
      if (!me) throw error;
    });
  };

  // How long to wait, in ms; after an answer of the server all tabs do.
  const failed = async (error) => {
    const least = Math.min(5e3 * 2 ** failures++, HOUR / 6) * (1 + Math.random());
    const wait = Math.min(Math.max(error.wait || 0, least), HOUR);
    if (error.status) await change({ until: Date.now() + wait });
    if (error.status < 500) console.warn("Openrate:", error.message);
    return wait;
  };

  // A tab that registers while another one stops would bring the installation back.
  const alone = (work) => (navigator.locks ? navigator.locks.request("openrate", work) : work());

  const sync = () =>
    alone(async () => {
      clearTimeout(timer);
      let wait = (await change())?.until - Date.now();
      if (!(wait > 0 && wait <= HOUR)) wait = await attempt().then(() => (failures = 0), failed);
      if (wait && isPage) timer = setTimeout(sync, wait);
    }).catch(() => {});

  const report = async (fact) => {
    await transact((me, _, facts) => me && keep(facts, fact));
    await sync();
  };

  // At each change of visibility and each minute, for all tabs together.
  const look = async (event) => {
    const isShown = document.visibilityState == "visible";
    if (!isShown && !event) return;
    const isBack = await transact(async (me, state, facts) => {
      if (!me) return;
      const now = Date.now();
      const isBack = isShown && Math.abs(now - me.seen) > AWAY;
      state.put({ ...me, seen: now }, "me");
      if (isBack) await keep(facts, { type: "app_open" });
      return isBack;
    });
    if (isBack || event) sync();
  };

  const forget = (me, state, facts) => {
    state.delete("me");
    if (me.token) state.put({ ...me, isGone: true }, me.id);
    facts.clear();
  };

  const start = async ({ server, sdkKey, vapidKey, serviceWorker = "/openrate-sw.js" }) => {
    server = server.replace(/\/$/, "");
    options = { server, sdkKey, vapidKey, worker: new URL(serviceWorker, document.baseURI).href };
    try {
      const id = await transact((me, state, facts) => {
        if (me && (me.server != server || me.sdkKey != sdkKey)) me = forget(me, state, facts);
        me = { id: crypto.randomUUID(), secret: crypto.randomUUID(), seen: 0, ...me, ...options };
        state.put(me, "me");
        return me.id;
      });
      document.addEventListener("visibilitychange", look);
      addEventListener("online", sync);
      navigator.permissions?.query({ name: "notifications" }).then((status) => (status.onchange = sync), () => {});
      clearInterval(beat);
      beat = setInterval(look, 60e3);
      await look();
      sync();
      return id;
    } catch {
      return (options.worker = null); // no IndexedDB: each page would be another installation
    }
  };

  const subscribe = async () => {
    if (!options?.vapidKey) throw Error("Call openrate.start() with a vapidKey first.");
    if (!options.worker || !self.PushManager || !self.Notification) return false;
    await Notification.requestPermission(); // in the tap
    const me = await change({ push: true }).catch(() => null);
    const answer = me && (await subscription(me).catch(() => null));
    await sync();
    return !!answer;
  };

  const stop = async () => {
    options = clearInterval(beat);
    await alone(async () => {
      const me = await transact((me, state, facts) => {
        if (me) forget(me, state, facts);
        return me;
      });
      await (await existing(me))?.unsubscribe();
    }).catch(() => {});
    await sync();
  };

  const state = async () => {
    const [me, waiting] = await transact((me, _, facts) => Promise.all([me, result(facts.count())])).catch(() => [null, 0]);
    return {
      installationId: me?.id,
      isRegistered: !!me?.token,
      isSubscribed: isAllowed() && !!(await existing(me).catch(() => null)),
      waiting,
    };
  };

  globalThis.openrate = { start, subscribe, stop, state, report, sync };
  if (typeof module == "object") module.exports = openrate;
})();
