// The colours: of the system, or chosen. Loaded before anything is drawn, so that nothing flashes.
"use strict";
{
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  let choice = "system";
  try {
    choice = localStorage.getItem("theme") ?? "system";
  } catch {
    // a browser that keeps nothing
  }

  const show = () => {
    root.dataset.theme = choice === "system" ? (system.matches ? "dark" : "light") : choice;
  };
  const choose = (theme) => {
    choice = theme;
    show();
    try {
      localStorage.setItem("theme", theme);
    } catch {
      // it holds until the page is closed
    }
  };

  show();
  system.addEventListener("change", show);
  addEventListener("DOMContentLoaded", () => {
    for (const radio of document.querySelectorAll('input[name="theme"]')) {
      radio.checked = radio.value === choice;
      radio.addEventListener("change", () => choose(radio.value));
    }
  });
}
