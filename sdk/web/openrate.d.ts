export = openrate;
export as namespace openrate;

/** Nothing is sent, kept or asked before `start`. */
declare const openrate: {
  /**
   * Makes this browser an installation and reports its visits. Call it on every page, once the visitor has agreed.
   * Resolves to the installation id, or to null in a browser that keeps nothing, which is left alone.
   */
  start(options: openrate.Options): Promise<string | null>;

  /**
   * Asks for permission and subscribes to Web Push; browsers want it called in a click. Resolves to whether pushes will come.
   * Rejects when `start` was not called before, with a `vapidKey`.
   */
  subscribe(): Promise<boolean>;

  /** Unsubscribes, unregisters and forgets; harmless at any time. Without a connection the next `start` or `stop` unregisters. */
  stop(): Promise<void>;

  /** What is known here. */
  state(): Promise<openrate.State>;

  /** For a service worker that shows its own notifications: reports a tap on one. */
  report(fact: openrate.PushOpen): Promise<void>;

  /** Tells the server what has changed and sends what waits; this happens by itself. */
  sync(): Promise<void>;
};

declare namespace openrate {
  interface Options {
    /** The address of the Openrate server, such as `https://push.example.com`. */
    server: string;
    /** The app's SDK key; while developing, its Dev key. */
    sdkKey: string;
    /** The app's VAPID public key: `openrate app credentials show` prints it. Needed to `subscribe`. */
    vapidKey?: string;
    /** Where the site serves the service worker; `/openrate-sw.js` if not given. */
    serviceWorker?: string;
  }

  interface State {
    installationId?: string;
    /** The server knows this installation. */
    isRegistered: boolean;
    /** Permission holds, and the browser has a push subscription that the visitor asked for. */
    isSubscribed: boolean;
    /** Facts that the server has not acknowledged yet. */
    waiting: number;
  }

  interface PushOpen {
    type: "push_open";
    campaign_token: string;
    send_id?: string;
  }
}
