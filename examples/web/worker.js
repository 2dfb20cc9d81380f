// A site's own service worker with Openrate's in it.
importScripts("../../sdk/web/openrate.js", "../../sdk/web/openrate-sw.js");
