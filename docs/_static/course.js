// A formula in a line of text that is wider than a phone gets a scroll bar of its own, and the keyboard can reach it.
function markWideFormulas() {
  for (const formula of document.querySelectorAll('mjx-container:not([display])')) {
    formula.classList.remove('wide');
    const wide = formula.offsetWidth > formula.closest('p, li, td, th, h1, h2, h3').clientWidth;
    formula.classList.toggle('wide', wide);
    if (wide) formula.tabIndex = 0; else formula.removeAttribute('tabindex');
  }
}
addEventListener('load', () => window.MathJax?.startup?.promise.then(markWideFormulas));
addEventListener('resize', markWideFormulas);
