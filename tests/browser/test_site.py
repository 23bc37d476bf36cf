"""The website in a real browser: every page from disk, in light and dark, wide and narrow; and from a host, under a path of its own."""
import functools, html.parser, http.server, json, re, shutil, subprocess, sys, threading, time
from pathlib import Path
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
CHAPTERS = sorted(p.stem for p in (ROOT/'nbs').glob('[0-9]*.ipynb'))
PAGES = ['index', *CHAPTERS, 'library', 'search']
LOOKS = [('light', 1280), ('dark', 375)]
look_names = lambda look: f'{look[0]}-{look[1]}'


@pytest.fixture(scope='session')
def site(tmp_path_factory):
    "The site, built anew, in a folder of its own."
    out = tmp_path_factory.mktemp('built')/'site'
    start = time.perf_counter()
    done = subprocess.run([sys.executable, str(ROOT/'docs/build.py'), str(out)], text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'WARNING' not in done.stderr and time.perf_counter() - start < 60
    return out


@pytest.fixture(scope='session')
def host(site):
    "The address of a static host that serves the site under the path /some/where/."
    class Handler(http.server.SimpleHTTPRequestHandler):
        def translate_path(self, path): return super().translate_path(path.removeprefix('/some/where')) if path.startswith('/some/where/') else '/nowhere'
        def log_message(self, *args): pass
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), functools.partial(Handler, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f'http://127.0.0.1:{server.server_port}/some/where/'
    server.shutdown()


def open_page(browser, mode, width):
    "An empty page; `page.heard` gathers console errors, failed requests, and requests for anything that is not a file."
    page = browser.new_context(viewport={'width': width, 'height': 900}, color_scheme=mode).new_page()
    page.mode, page.width, page.heard = mode, width, []
    page.on('console', lambda m: page.heard.append(f'console: {m.text}') if m.type == 'error' else None)
    page.on('pageerror', lambda e: page.heard.append(f'script: {e}'))
    page.on('requestfailed', lambda r: page.heard.append(f'did not get {r.url}'))
    page.on('request', lambda r: page.heard.append(f'asks for {r.url}') if not r.url.startswith(('file:', 'data:', 'blob:')) else None)
    return page


@pytest.fixture
def page(request, browser):
    page = open_page(browser, *getattr(request, 'param', LOOKS[0]))
    yield page
    page.context.close()


def visit(page, address):
    page.goto(address)
    page.wait_for_function('!window.MathJax || !MathJax.startup || MathJax.startup.promise.then(() => true)')
    page.wait_for_timeout(100)


LOOK = r'''() => {
  const faults = [], all = (css, root = document) => [...root.querySelectorAll(css)];
  if (document.documentElement.scrollWidth > innerWidth) faults.push(`scrolls sideways: ${document.documentElement.scrollWidth} px wide`);
  for (const f of all('.math')) if (!f.querySelector('mjx-container')) faults.push(`formula not rendered: ${f.textContent.slice(0, 60)}`);
  for (const f of all('mjx-merror, [data-mjx-error]')) faults.push(`formula with an error: ${f.textContent}`);
  for (const c of all('.mjx-c5C')) faults.push(`formula shows a backslash: ${c.closest('.math').textContent.trim().slice(0, 60)}`);
  const text = document.querySelector('main').cloneNode(true);
  all('pre, code, script, style, mjx-container', text).forEach(e => e.remove());
  for (const m of text.textContent.matchAll(/\$[^$\s][^$]*\$|\\[a-zA-Z(\[]+/g)) faults.push(`raw formula: ${m[0].slice(0, 60)}`);
  all('details').forEach(d => d.open = true);
  const room = document.documentElement.clientWidth;
  for (const f of all('main mjx-container')) {
    const scrolls = getComputedStyle(f).overflowX === 'auto' || f.closest('.pst-scrollable-table-container');
    if (f.getBoundingClientRect().right > room + 1 && !scrolls) faults.push(`formula cut off: ${f.parentElement.textContent.slice(0, 60)}`);
  }
  const levels = all('main h1, main h2, main h3, main h4').map(h => +h.tagName[1]);
  if (levels[0] !== 1) faults.push('does not begin with an h1');
  levels.forEach((b, i) => { if (i && b - levels[i - 1] > 1) faults.push(`heading ${i}: from h${levels[i - 1]} to h${b}`); });
  for (const i of all('article img')) {
    if (!i.alt || i.alt.startsWith('_images')) faults.push(`no description: ${i.src}`);
    if (!i.naturalWidth) faults.push(`no picture: ${i.src}`);
    else if (i.naturalWidth < 2 * i.clientWidth - 2) faults.push(`not sharp on dense screens: ${i.naturalWidth} pixels for ${i.clientWidth}, ${i.alt.slice(0, 40)}`);
  }
  return faults;
}'''
# coloured words of code are thousands a page; axe looks at one of each colour on each ground
FEWER_WORDS = r'''() => {
  const seen = new Set(), again = [];
  for (const s of document.querySelectorAll('.highlight pre span')) {
    const kind = [s.className, getComputedStyle(s).color, s.closest('div.cell_input, div.cell_output, div[class*=highlight-]').className].join();
    if (seen.has(kind)) again.push(s);
    seen.add(kind);
  }
  for (const s of again) s.replaceWith(s.textContent);     // only now: a change between two looks at colours computes the page's style anew
}'''


def faults(page):
    "All that is wrong with the page as it is shown, in words."
    from axe_playwright_python.sync_playwright import Axe
    found = page.heard + page.evaluate(LOOK)
    if page.evaluate('document.documentElement.dataset.theme') != page.mode: found.append(f'is not {page.mode}')
    page.evaluate('Promise.race([Promise.all(document.getAnimations().map(a => a.finished)), new Promise(end => setTimeout(end, 2000))])')   # a colour on its way is no fault
    page.evaluate(FEWER_WORDS)
    serious = [v for v in Axe().run(page).response['violations'] if v['impact'] in ('serious', 'critical')]
    return found + [f'{v["id"]} ({v["impact"]}): {v["nodes"][0]["html"][:200]}' for v in serious]


@pytest.mark.parametrize('name', PAGES)
@pytest.mark.parametrize('page', LOOKS, ids=look_names, indirect=True)
def test_page(page, site, shots, name):
    visit(page, (site/f'{name}.html').as_uri())
    page.screenshot(path=str(shots/f'{name}-{page.mode}-{page.width}.png'), full_page=True)
    assert faults(page) == []


PLANTED = {
    'console: planted': '<script>console.error("planted")</script>',
    'script: planted': '<script>setTimeout(() => { throw "planted" })</script>',
    'asks for https://localhost/x.js': '<script src="https://localhost/x.js"></script>',
    'asks for http://localhost/x.woff2': '<style>@font-face { font-family: out; src: url(http://localhost/x.woff2) } #p { font-family: out }</style><p id="p">p</p>',
    'did not get': '<img src="lost.png" alt="A lost picture">',
    'no picture': '<img src="lost.png" alt="A lost picture">',
    'no description': '<img src="_images/depth.png" width="300">',
    'not sharp': '<img src="_images/depth.png" alt="Too large" style="width: 1000px; max-width: none">',
    'scrolls sideways': '<p style="width: 2000px; max-width: none">wide</p>',
    'raw formula: $x^2$': '<p>It costs $x^2$.</p>',
    r'raw formula: \frac': r'<p>It costs \frac12.</p>',
    'formula not rendered': '<span class="math">x</span>',
    'formula with an error': r'<span class="math notranslate nohighlight">\(\frac{1}\)</span>',
    'formula shows a backslash': r'<span class="math notranslate nohighlight">\(\text{a\_b}\)</span>',
    'formula cut off': r'<p style="width: 2000px; max-width: none"><mjx-container style="margin-left: 1900px; overflow: visible">x</mjx-container></p>',
    'from h1 to h3': '<h3>Too deep</h3>',
    'color-contrast (serious)': '<p style="color: #aaa; background: #fff">pale</p>',
    'image-alt (critical)': '<img src="_images/depth.png" width="300">',
    'link-name (serious)': '<a href="index.html"></a>',
}


@pytest.mark.parametrize('words', PLANTED)
def test_planted_faults_are_found(page, site, words):
    "The checks can fail: each fault, put right below the title of a good page, is named."
    above, title, below = (site/'05_forward.html').read_text(encoding='utf-8').rpartition('</h1>')
    planted = site/'planted.html'                          # beside the others, so that their styles and scripts apply
    planted.write_text(above + title + PLANTED[words] + below, encoding='utf-8')
    try:
        visit(page, planted.as_uri())
        found = faults(page)
    finally: planted.unlink()
    assert [f for f in found if words in f], found


@pytest.mark.parametrize('word, chapter', [('squeeze', '06_mse'), ('fan_out', '04a_fans'), ('xyzzy', None)])
def test_search_finds(page, site, word, chapter):
    page.goto((site/'search.html').as_uri() + f'?q={word}')
    page.wait_for_function('/finished|did not match/.test(document.querySelector("#search-results").textContent)')
    found = page.eval_on_selector_all('#search-results li a', 'links => links.map(a => a.getAttribute("href"))')
    assert any(link.startswith(f'{chapter}.html') for link in found) if chapter else found == []


def test_search_as_a_reader(page, host):
    "From any page: the search field, a word, Enter, and the first hit's page has the word."
    visit(page, f'{host}index.html')
    page.keyboard.press('Control+k')
    page.keyboard.type('squeeze')
    page.keyboard.press('Enter')
    page.wait_for_selector('#search-results li a')
    page.locator('#search-results li a').first.click()
    page.wait_for_load_state()
    assert 'squeeze' in page.text_content('article')        # it may stand in a part that is folded


def test_any_path(page, host):
    "Under a path on a host: nothing outside that path is asked for, and nothing is missing."
    lost = []
    page.on('response', lambda r: lost.append(r.url) if r.status >= 400 or not r.url.startswith(host) else None)
    for name in PAGES: visit(page, f'{host}{name}.html')
    assert lost == []


def test_dark_mode_stays(page, host):
    "Dark, chosen from the button's menu, changes the colours, and the next page keeps it."
    theme = lambda: page.evaluate('document.documentElement.dataset.theme')
    visit(page, f'{host}index.html')
    page.click('button.theme-switch-button')
    page.click('button.theme-change-button[data-mode="dark"]')
    assert theme() == 'dark' and page.evaluate('getComputedStyle(document.body).backgroundColor') != 'rgb(255, 255, 255)'
    page.click('a.begin')
    page.wait_for_load_state()
    assert page.url == f'{host}00_foundations.html' and theme() == 'dark'


def test_copy_button(page, host):
    "A click puts the cell's code on the clipboard, without the directive's line."
    page.context.grant_permissions(['clipboard-read', 'clipboard-write'])
    visit(page, f'{host}{CHAPTERS[1]}.html')
    assert page.locator('div.cell_input button.copybtn').count() == page.locator('div.cell_input pre').count() > 10
    cell = page.locator('div.cell_input:visible').first
    cell.hover()
    cell.locator('button.copybtn').click()
    page.wait_for_function('navigator.clipboard.readText().then(t => t.length > 0)')
    assert page.evaluate('navigator.clipboard.readText()').strip() == cell.locator('pre').inner_text().strip()


class Links(html.parser.HTMLParser):
    "The targets of links and the anchors of a page."
    def __init__(self, text):
        super().__init__()
        self.targets, self.anchors = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == 'a' and attrs.get('href'): self.targets.append(attrs['href'])
        self.anchors |= {attrs[k] for k in ('id', 'name') if attrs.get(k)}


def broken_links(folder):
    "Links between the pages of `folder` that lead nowhere."
    pages = {p.name: Links(p.read_text(encoding='utf-8')) for p in folder.glob('*.html')}
    for name, links in pages.items():
        for target in links.targets:
            if re.match(r'(https?|mailto):', target): continue
            file, _, anchor = target.partition('#')
            file = file.partition('?')[0] or name
            if not (folder/file).is_file() or anchor and file in pages and anchor not in pages[file].anchors: yield f'{name}: {target}'


def test_links_lead_somewhere(site, tmp_path):
    assert list(broken_links(site)) == []
    text = (site/'library.html').read_text(encoding='utf-8')
    (tmp_path/'library.html').write_text(text + '<a href="lost.html">a</a><a href="#lost">b</a>', encoding='utf-8')
    assert {'library.html: lost.html', 'library.html: #lost'} <= set(broken_links(tmp_path))


def visible(text):
    "The text of a page's HTML, without its tags and its blanks."
    return re.sub(r'<[^>]+>|\s', '', text)


def test_directives_mean_what_they_say(site):
    "No directive's line shows; hidden cells are absent, folded ones folded, exported ones marked with their module."
    for chapter in CHAPTERS:
        text = (site/f'{chapter}.html').read_text(encoding='utf-8')
        assert not any('#|' in visible(code) for code in re.findall(r'<pre>.*?</pre>', text, re.S))
        notebook = json.loads((ROOT/f'nbs/{chapter}.ipynb').read_text(encoding='utf-8'))['cells']
        cells = [''.join(c['source']) for c in notebook if c['cell_type'] == 'code']
        kinds = {kind: [c for c in cells if re.search(rf'^#\|\s*{kind}\s*$', c, re.M)] for kind in ('hide', 'export')}
        assert len(re.findall(r'class="cell tag_[^"]*\btag_export\b', text)) + len(re.findall(r'class="cell tag_export', text)) >= len(kinds['export'])
        folded = [c for c in notebook if c['metadata'].get('jupyter', {}).get('source_hidden') and '#| hide' not in ''.join(c['source'])]
        assert len(re.findall(r'<details class="[^"]*hide above-input"', text)) == len(folded)
        shown = html.unescape(visible(text))
        for cell in kinds['hide']:
            body = re.sub(r'^#\|.*$', '', cell, flags=re.M)
            assert re.sub(r'\s', '', body) not in shown, cell


def test_chapters_are_linked_in_order(site):
    for a, b in zip(CHAPTERS, CHAPTERS[1:]):
        link = lambda page, side: re.search(rf'<a class="{side}"\s+href="(.*?)"', (site/f'{page}.html').read_text(encoding='utf-8'))[1]
        assert link(a, 'right-next') == f'{b}.html' and link(b, 'left-prev') == f'{a}.html'


def test_contents(page, site):
    "Each page lists its own sections and all chapters."
    for name in CHAPTERS:
        page.goto((site/f'{name}.html').as_uri())
        sections = page.locator('article h2').count()
        assert page.locator('nav.page-toc a, .bd-toc-nav a').count() >= sections > 1
        assert page.locator('.bd-sidebar-primary a[href*="_"]').count() + 1 >= len(CHAPTERS)


def test_sliders_have_a_note(site):
    "A slider needs a kernel: on the page stands a note, and the chapter has figures."
    for chapter in CHAPTERS:
        if 'interact(' in (ROOT/f'nbs/{chapter}.ipynb').read_text(encoding='utf-8'):
            text = (site/f'{chapter}.html').read_text(encoding='utf-8')
            assert 'A slider stands here while the notebook runs.' in text and '<img alt="' in text, chapter


def weigh(page, address):
    "The bytes of all files that the page at `address` asks for."
    sizes = []
    page.on('request', lambda r: sizes.append(Path(r.url.removeprefix('file://').partition('?')[0]).stat().st_size) if r.url.startswith('file:') else None)
    page.goto(address)
    return sum(sizes)


def test_size_and_speed(page, site):
    total = sum(p.stat().st_size for p in site.rglob('*') if p.is_file())
    home = weigh(page, (site/'index.html').as_uri())
    ready = []
    for _ in range(3):                                     # the quickest of three: other work on the machine is not the page's fault
        page.reload()
        ready.append(page.evaluate('performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd'))
    print(f'\nsite {total/1e6:.1f} MB, home {home/1e6:.2f} MB, interactive after {min(ready):.0f} ms')
    assert total < 25e6 and home < 3e6 and 0 < min(ready) < 1000
