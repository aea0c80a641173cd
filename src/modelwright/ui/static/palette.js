// The palette: ctrl-K or cmd-K finds anything from anywhere. A combobox with a listbox, as WAI-ARIA's practices have it.
// The options come from the server as HTML in which every name is text already; the search page does the same without.
"use strict";
(() => {
  const palette = document.querySelector("#palette");
  if (!palette) return;
  const field = palette.querySelector("input");
  const list = palette.querySelector("[role=listbox]");
  const told = palette.querySelector("[role=status]");
  const PAUSE = 120;
  let waiting, asking, chosen = -1, back = null;

  const options = () => [...list.children];
  const choose = (place) => {
    const all = options();
    chosen = all.length ? (place + all.length) % all.length : -1;
    all.forEach((option, index) => option.setAttribute("aria-selected", String(index === chosen)));
    if (chosen < 0) return field.removeAttribute("aria-activedescendant");
    field.setAttribute("aria-activedescendant", all[chosen].id);
    all[chosen].scrollIntoView({ block: "nearest" });
  };
  const show = (html, words) => {
    list.innerHTML = html;
    const count = options().length;
    field.setAttribute("aria-expanded", String(count > 0));
    told.textContent = !words ? "" : count ? `${count} found` : "Nothing is called so.";
    choose(words ? 0 : -1);
    if (!count) choose(-1);
  };
  const ask = async () => {
    asking?.abort();
    const words = field.value.trim();
    if (!words) return show("", "");
    asking = new AbortController();
    try {
      const answer = await fetch(`/search?as=options&q=${encodeURIComponent(words)}`, { signal: asking.signal, redirect: "error" });
      if (!answer.ok) throw new Error(answer.statusText);
      show(await answer.text(), words);
    } catch (error) {
      if (error.name === "AbortError") return;
      show("", "");
      told.textContent = "The server does not answer; Enter tries again.";
    }
  };
  const open = () => {
    back = document.activeElement;
    field.value = "";
    show("", "");
    palette.showModal();
    field.focus();
  };

  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    event.preventDefault();
    if (palette.open) palette.close();
    else if (!document.querySelector("dialog[open]")) open();
  });
  field.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(ask, PAUSE);
  });
  palette.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    event.stopPropagation(); // what is typed here is no key of the page
    if (event.key === "ArrowDown") choose(chosen + 1);
    else if (event.key === "ArrowUp") choose(chosen < 0 ? -1 : chosen - 1);
    else if (event.key === "Tab") field.focus(); // everything is reached by the arrows
    else if (event.key === "Enter" && chosen >= 0 && !event.ctrlKey && !event.metaKey) options()[chosen].querySelector("a").click();
    else if (event.key === "Escape" || ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k")) palette.close();
    else return;
    event.preventDefault();
  });
  palette.addEventListener("click", (event) => event.target === palette && palette.close());
  palette.addEventListener("close", () => {
    clearTimeout(waiting);
    asking?.abort();
    back?.focus();
  });
  list.addEventListener("click", () => palette.close());
})();
