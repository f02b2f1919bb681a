/* The memory of one read-through per procedure, in this browser only. A browser without storage just forgets. */
"use strict";

window.runbook = {};

(() => {
  const DAY = 24 * 60 * 60 * 1000;
  const bar = document.querySelector(".rb-progress[data-rb-procedure]");
  const key = bar && `rb:migration-runbook:${bar.dataset.rbProcedure}`;
  const blank = () => ({ started: null, ticks: {}, choices: {}, values: {} });

  function read() {
    try {
      return { ...blank(), ...JSON.parse(localStorage.getItem(key) || "{}") };
    } catch {
      return blank();
    }
  }

  const store = {
    state: key ? read() : blank(),
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
      if (key) {
        try {
          localStorage.setItem(key, JSON.stringify(this.state));
        } catch {
          this.kept = false;
        }
      }
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
