/* Steps through a recorded drill. Without this script all its screens are below each other. */
"use strict";

for (const player of document.querySelectorAll(".rb-player")) {
  const bar = player.querySelector(".rb-player__bar");
  const frames = [...player.querySelectorAll(".rb-frame")];
  const at = () => frames.findIndex((frame) => !frame.hidden);
  const all = player.querySelector(".rb-player__all");
  const typed = player.querySelector(".rb-player__typed");

  function show(number) {
    const wanted = Math.max(0, Math.min(frames.length - 1, number));
    frames.forEach((frame, index) => (frame.hidden = index !== wanted));
    player.querySelector(".rb-player__at").textContent = `Screen ${wanted + 1} of ${frames.length}`;
    // A screen can be longer than the window: what was typed at its end stays in view.
    typed.replaceChildren(...[...frames[wanted].querySelector(".rb-frame__keys").childNodes].map((node) => node.cloneNode(true)));
    bar.querySelector('[data-rb-go="-1"]').disabled = wanted === 0;
    bar.querySelector('[data-rb-go="1"]').disabled = wanted === frames.length - 1;
  }

  function showAll(isAll) {
    player.classList.toggle("rb-player--all", isAll);
    all.textContent = isAll ? "Show one at a time" : "Show all screens";
    for (const element of bar.querySelectorAll("[data-rb-go], .rb-player__help, .rb-player__typed")) element.hidden = isAll;
    if (isAll) frames.forEach((frame) => (frame.hidden = false));
    else show(0);
    if (isAll) player.querySelector(".rb-player__at").textContent = `${frames.length} screens`;
  }

  function go(step) {
    if (player.classList.contains("rb-player--all")) return;
    show(at() + step);
    const top = frames[at()].getBoundingClientRect().top;
    if (top < bar.getBoundingClientRect().bottom) frames[at()].scrollIntoView(); // a new screen is read from its top
  }

  for (const button of bar.querySelectorAll("[data-rb-go]"))
    button.addEventListener("click", () => go(Number(button.dataset.rbGo)));
  all.addEventListener("click", () => showAll(!player.classList.contains("rb-player--all")));
  document.addEventListener("keydown", (event) => {
    const isTyping = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) || event.target.isContentEditable;
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || isTyping || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    event.preventDefault();
    go(step);
  });

  const named = frames.findIndex((frame) => `#${frame.id}` === location.hash);
  bar.hidden = false;
  show(Math.max(named, 0));
}
