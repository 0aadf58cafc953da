/* Below each result of the search: the place where the words were found. texts.js holds the text of each section. */
(() => {
  const words = (new URLSearchParams(location.search).get("q") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const stems = words.map(word => word.length > 4 ? word.replace(/(ies|es|s|ing|ed)$/, "") : word);
  const marked = (text, into) => {
    const pattern = new RegExp(`(${stems.map(stem => stem.replace(/[^\w]/g, "\\$&")).join("|")})`, "gi");
    text.split(pattern).forEach((piece, place) => {
      const part = place % 2 ? document.createElement("mark") : document.createTextNode("");
      part.textContent = piece;
      into.append(part);
    });
  };
  const excerpt = link => {
    const [page, anchor] = link.getAttribute("href").replace(/^\.\//, "").split("#");
    const sections = window.texts[decodeURI(page).replace(/\.html(\?.*)?$/, "")] ?? [];
    const asked = sections.filter(([id]) => id === anchor);
    let best = ["", 0, -1];
    for (const [, text] of asked.length ? asked : sections) {
      const low = text.toLowerCase(), places = stems.map(stem => low.indexOf(stem)).filter(place => place >= 0);
      const whole = low.indexOf(words.join(" "));  // the words as they were typed are worth most
      const worth = places.length + (whole >= 0 ? 1 : 0);
      if (worth > best[2]) best = [text, whole >= 0 ? whole : Math.min(...places, low.length), worth];
    }
    const [text, place] = best, start = Math.max(0, text.lastIndexOf(" ", Math.max(0, place - 90)));
    const end = start + 240 < text.length ? text.lastIndexOf(" ", start + 240) : text.length;
    return (start ? "... " : "") + text.slice(start, end).trim() + (end < text.length ? " ..." : "");
  };
  const show = () => document.querySelectorAll("#search-results li:not([data-excerpt])").forEach(result => {
    const link = result.querySelector("a");
    if (!link || !stems.length) return;
    result.dataset.excerpt = "";
    const said = document.createElement("p");
    said.className = "context";
    marked(excerpt(link), said);
    if (said.textContent) result.append(said);
  });
  document.addEventListener("DOMContentLoaded", () => {
    const place = document.getElementById("search-results");
    new MutationObserver(show).observe(place, { childList: true, subtree: true });
    show();
  });
})();
