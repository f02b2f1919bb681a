/* Ticks of one read-through. A tick belongs to the content of its step: an edited step is unticked. */
"use strict";

(() => {
  const { store } = window.runbook;
  const bar = document.querySelector(".rb-progress");
  if (!bar) return;
  const boxes = [...document.querySelectorAll("[data-rb-tick]")];
  const count = bar.querySelector(".rb-progress__count");
  const since = bar.querySelector(".rb-progress__since");
  const renew = bar.querySelector(".rb-progress__new");
  const fill = document.querySelector(".rb-progress__bar span");
  const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
  const calendar = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  const time = (at) => (at.toDateString() === new Date().toDateString() ? clock : calendar).format(at);

  const keyOf = (box) => store.keyAt(box, box.dataset.rbTick);

  /* Steps of an answer count once it is picked: until then nobody knows whether they are needed. */
  const counts = (box) => box.closest(".rb-branch:not(.rb-picked)") === null;

  function tally() {
    const counted = boxes.filter(counts);
    return { done: counted.filter((box) => box.checked).length, all: counted.length };
  }

  function say(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  function show(state) {
    for (const box of boxes) {
      const decided = box.closest(".rb-step").querySelector(":scope > .rb-choice > .rb-picked");
      box.checked = Boolean(state.ticks[keyOf(box)] || decided);
      box.closest(".rb-step").classList.toggle("rb-done", box.checked);
    }
    const { done, all } = tally();
    say(count, `${done} of ${all} done`);
    fill.style.width = `${all ? (100 * done) / all : 0}%`;
    say(since, sentence(state));
    renew.disabled = !state.started && !store.stale;
  }

  function sentence(state) {
    if (!store.kept) return "This browser keeps no ticks: they are gone when you leave the page.";
    if (state.started) return `started ${time(new Date(state.started))}`;
    if (store.stale) return `Your progress from ${time(new Date(store.stale))} was cleared, because it was more than a day old.`;
    return "not started";
  }

  for (const box of boxes) {
    box.addEventListener("change", () => {
      store.change((state) => {
        if (box.checked) state.ticks[keyOf(box)] = new Date().toISOString();
        else delete state.ticks[keyOf(box)];
      });
    });
  }

  /* The button asks once more, in place, before it forgets ticks. */
  let sure = false;
  const relax = () => {
    sure = false;
    say(renew, "Start over");
  };
  renew.addEventListener("click", () => {
    if (!sure && tally().done > 0) {
      sure = true;
      say(renew, "Forget these ticks and values?");
      return;
    }
    relax();
    store.renew();
  });
  renew.addEventListener("blur", relax);

  store.listen(show);
})();
