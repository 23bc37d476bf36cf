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
addEventListener('load', () => window.MathJax?.startup?.promise.then(reachWideFormulas));
addEventListener('resize', reachWideFormulas);
