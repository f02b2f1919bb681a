/* A question of a procedure: opening an answer picks it, and the rest of the page follows.
   `rb-picked` marks an open answer. The theme opens all of them to print, so `open` alone doesn't tell. */
"use strict";

(() => {
  const { store } = window.runbook;
  const choices = [...document.querySelectorAll("[data-rb-choice]")].map((element) => ({
    element,
    key: () => store.keyAt(element, element.dataset.rbChoice),
    answers: [...element.children].filter((one) => one.classList.contains("rb-branch")),
    picked: undefined,
  }));
  const rows = [...document.querySelectorAll("[data-rb-for]")];

  const paper = matchMedia("print");
  let printing = false;
  addEventListener("beforeprint", () => (printing = true));
  addEventListener("afterprint", () => (printing = false));

  for (const { key, answers } of choices) {
    for (const answer of answers) {
      answer.removeAttribute("name"); // with it, the last one that opens for the print would fold the others
      answer.querySelector("summary").addEventListener("click", (event) => {
        event.preventDefault(); // the store opens it
        const opens = !answer.open;
        store.change((state) => {
          if (opens) state.choices[key()] = answer.dataset.rbAnswer;
          else delete state.choices[key()];
        });
        answer.open = opens;
        if (opens) answer.scrollIntoView({ block: "nearest" });
      });
      // A link into an answer opens it too, without picking it for the next visit.
      answer.addEventListener("toggle", () => store.tell());
    }
  }

  let shown = null; // the read-through whose answers are open
  store.listen((state) => {
    for (const choice of choices) {
      const picked = state.choices[choice.key()];
      if (state === shown && picked === choice.picked) continue;
      choice.picked = picked;
      for (const answer of choice.answers) answer.open = answer.dataset.rbAnswer === picked;
    }
    shown = state;
    follow();
  });

  /* Mark what is picked, and hide the checks and undo ways of steps that are folded away. */
  function follow() {
    if (printing || paper.matches) return;
    for (const { element, answers } of choices) {
      for (const one of answers) one.classList.toggle("rb-picked", one.open);
      element.classList.toggle("rb-decided", answers.some((one) => one.open));
    }
    for (const row of rows) {
      const step = document.getElementById(row.dataset.rbFor);
      const otherWay = step.closest(".rb-decided > .rb-branch:not(.rb-picked)") !== null;
      row.classList.toggle("rb-other-way", otherWay);
      row.classList.toggle("rb-undecided", !otherWay && step.closest(".rb-branch:not(.rb-picked)") !== null);
    }
    for (const note of document.querySelectorAll(".rb-follows")) {
      const list = note.previousElementSibling;
      const own = [...list.querySelectorAll("[data-rb-for]")];
      const left = own.filter((row) => !row.matches(".rb-other-way, .rb-undecided"));
      note.hidden = left.length === own.length;
      note.textContent = left.length ? note.dataset.rbSome : note.dataset.rbNone;
      list.classList.toggle("rb-undecided", !left.length);
    }
  }

  /* A link into folded parts opens them. One to a step that another page shows now leads there. */
  function reveal() {
    let id = location.hash.slice(1);
    try {
      id = decodeURIComponent(id);
    } catch {} // a stray %: look for the id as it is
    const target = document.getElementById(id);
    if (!target) {
      const elsewhere = [...document.querySelectorAll("[data-rb-elsewhere]")].find((one) => id.startsWith(one.dataset.rbElsewhere));
      if (elsewhere) {
        const page = new URL(elsewhere.querySelector("a").href);
        page.hash = id.slice(elsewhere.dataset.rbElsewhere.length);
        location.replace(page);
      }
      return;
    }
    const folded = target.closest("details:not([open])");
    if (!folded) return;
    for (let part = folded; part; part = part.parentElement.closest("details:not([open])")) {
      for (const { answers } of choices) if (answers.includes(part)) for (const other of answers) other.open = false;
      part.open = true;
    }
    target.scrollIntoView();
  }
  addEventListener("hashchange", reveal);
  reveal();
})();
