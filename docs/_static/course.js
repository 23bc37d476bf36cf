// Side roads are folded: a reader opens what interests him. A link into one opens it.
function fold() {
  for (const heading of document.querySelectorAll('article section > h2')) {
    if (!/^(Deeper|Guard rails)/.test(heading.textContent)) continue;
    const side = document.createElement('details'), summary = document.createElement('summary');
    summary.textContent = 'A side road: read it now, later or never';
    side.append(summary);
    while (heading.nextSibling) side.append(heading.nextSibling);
    heading.after(side);
    side.className = 'side-road';
  }
}
function open() {
  const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  const side = target.closest('details.side-road') ?? target.querySelector(':scope > details.side-road');
  if (side) { side.open = true; target.scrollIntoView(); }
}
// A formula that is wider than a phone gets a scroll bar of its own, and the keyboard can reach it.
function reachWideFormulas() {
  for (const formula of document.querySelectorAll('mjx-container')) {
    formula.classList.remove('wide');
    const inline = !formula.hasAttribute('display');
    const room = inline ? formula.closest('p, li, td, th, h1, h2, h3').clientWidth : formula.clientWidth;
    const wide = (inline ? formula.offsetWidth : formula.scrollWidth) > room;
    formula.classList.toggle('wide', wide && inline);
    if (wide) formula.tabIndex = 0; else formula.removeAttribute('tabindex');
  }
}
document.addEventListener('DOMContentLoaded', () => { fold(); open(); });
addEventListener('hashchange', open);
addEventListener('load', () => window.MathJax?.startup?.promise.then(reachWideFormulas));
addEventListener('resize', reachWideFormulas);
