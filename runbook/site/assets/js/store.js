/* The memory of one read-through per procedure, and of what is asked once for all pages. In this browser only. */
"use strict";

window.runbook = {};

(() => {
  const DAY = 24 * 60 * 60 * 1000;
  const bar = document.querySelector(".rb-progress[data-rb-procedure]");
  const key = bar && `rb:migration-runbook:${bar.dataset.rbProcedure}`;
  const siteKey = "rb:migration-runbook";
  const blank = () => ({ started: null, ticks: {}, choices: {}, values: {} });

  function read(key) {
    try {
      return JSON.parse(localStorage.getItem(key) || "{}");
    } catch {
      return {}; // a browser without storage just forgets
    }
  }

  function write(key, value) {
    try {
      localStorage.setItem(key, JSON.stringify(value));
      return true;
    } catch {
      return false;
    }
  }

  const store = {
    state: { ...blank(), ...(key && read(key)) },
    site: read(siteKey), // values of all pages, as the project's
    stale: null, // start time of a read-through that was too old to go on with
    kept: true,
    listeners: [],

    /* Change the state; the first change starts the read-through. */
    change(edit) {
      this.state.started ??= new Date().toISOString();
      edit(this.state);
      this.save();
    },

    /* Inside a repetition a tick or a choice belongs to the value it is done for. */
    keyAt(element, key) {
      const each = element.closest("[data-rb-each]");
      const now = each && this.state.values[each.dataset.rbEach];
      return now ? `${key}[${now}]` : key;
    },

    renew() {
      this.state = blank();
      this.stale = null;
      this.save();
    },

    save() {
      if (key) this.kept = write(key, this.state) && write(siteKey, this.site);
      this.tell();
    },

    tell() {
      for (const listener of this.listeners) listener(this.state);
    },

    listen(listener) {
      this.listeners.push(listener);
      listener(this.state);
    },
  };

  if (store.state.started && Date.now() - Date.parse(store.state.started) > DAY) {
    store.stale = store.state.started;
    store.state = blank();
  }
  window.runbook.store = store;
})();
