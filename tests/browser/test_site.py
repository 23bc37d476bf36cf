"""The website, from disk, in a real browser: every page in light and dark, wide and narrow."""
import html.parser, re, subprocess, sys, time
from pathlib import Path
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
CHAPTERS = sorted(p.stem for p in (ROOT/'nbs').glob('[0-9]*.ipynb'))
PAGES = ['index', *CHAPTERS, 'library', 'answers', 'search', 'genindex']


@pytest.fixture(scope='session')
def site(tmp_path_factory):
    "The site, built anew, in a folder of its own."
    out = tmp_path_factory.mktemp('built')/'site'
    start = time.perf_counter()
    done = subprocess.run([sys.executable, str(ROOT/'docs/build.py'), str(out)], text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'WARNING' not in done.stderr and time.perf_counter() - start < 60
    return out


@pytest.fixture(params=[('light', 1280), ('dark', 1280), ('light', 375), ('dark', 375)], ids=lambda p: f'{p[0]}-{p[1]}')
def page(request, browser):
    "An empty page; `page.faults` gathers console errors and requests that leave the disk."
    mode, width = request.param
    context = browser.new_context(viewport={'width': width, 'height': 900}, color_scheme=mode)
    page = context.new_page()
    page.mode, page.width, page.faults = mode, width, []
    page.on('console', lambda m: page.faults.append(m.text) if m.type == 'error' and 'Failed to fetch' not in m.text else None)
    page.on('requestfailed', lambda r: page.faults.append(f'did not get {r.url}'))
    page.on('pageerror', lambda e: page.faults.append(str(e)))
    page.on('request', lambda r: page.faults.append(f'asks for {r.url}') if not r.url.startswith(('file:', 'data:', 'blob:')) else None)
    yield page
    context.close()


def visit(page, site, name):
    page.goto((site/f'{name}.html').as_uri())
    page.wait_for_function('!window.MathJax || !MathJax.startup || MathJax.startup.promise.then(() => true)')
    page.wait_for_timeout(100)


@pytest.mark.parametrize('name', PAGES)
def test_page(page, site, shots, name):
    visit(page, site, name)
    page.screenshot(path=str(shots/f'{name}-{page.mode}-{page.width}.png'), full_page=True)
    assert page.faults == []
    assert page.evaluate('document.documentElement.scrollWidth') <= page.width
    assert page.evaluate('document.documentElement.dataset.theme') == page.mode
    formulas = page.locator('.math').count()
    assert page.locator('.math mjx-container').count() == formulas and page.locator('mjx-merror, [data-mjx-error]').count() == 0
    levels = page.eval_on_selector_all('main h1, main h2, main h3, main h4', 'hs => hs.map(h => +h.tagName[1])')
    assert levels[:1] == [1] and all(b - a <= 1 for a, b in zip(levels, levels[1:])), levels
    assert page.eval_on_selector_all('article img', 'is => is.filter(i => !i.alt || i.alt.startsWith("_images") || !i.naturalWidth).length') == 0


@pytest.mark.parametrize('name', PAGES)
@pytest.mark.parametrize('mode', ['light', 'dark'])
def test_accessible(browser, site, name, mode):
    from axe_playwright_python.sync_playwright import Axe
    context = browser.new_context(viewport={'width': 1280, 'height': 900}, color_scheme=mode)
    page = context.new_page()
    visit(page, site, name)
    found = [f'{v["id"]} ({v["impact"]}): {v["nodes"][0]["html"][:200]}' for v in Axe().run(page).response['violations'] if v['impact'] in ('serious', 'critical')]
    context.close()
    assert found == []


@pytest.mark.parametrize('word, chapter', [('squeeze', '06_mse'), ('fan_out', '04_init')])
def test_search_finds(browser, site, word, chapter):
    page = browser.new_page()
    page.goto((site/'search.html').as_uri() + f'?q={word}')
    page.wait_for_selector('#search-results li a')
    assert page.locator(f'#search-results a[href*="{chapter}"]').count() > 0
    page.close()


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


def test_links_lead_somewhere(site):
    pages = {p.name: Links(p.read_text(encoding='utf-8')) for p in site.glob('*.html')}
    broken = []
    for name, links in pages.items():
        for target in links.targets:
            if re.match(r'(https?|mailto):', target): continue
            file, _, anchor = target.partition('#')
            file = file.partition('?')[0] or name
            if file not in pages and not (site/file).exists() or anchor and file in pages and anchor not in pages[file].anchors: broken.append(f'{name}: {target}')
    assert broken == []


def test_directives_do_not_show(site):
    for chapter in CHAPTERS: assert '#|' not in re.sub(r'<[^>]+>', '', (site/f'{chapter}.html').read_text(encoding='utf-8')).replace(' ', '')


def test_chapters_are_linked_in_order(site):
    for a, b in zip(CHAPTERS, CHAPTERS[1:]): assert f'class="right-next"' in (site/f'{a}.html').read_text() and f'href="{b}.html"' in (site/f'{a}.html').read_text()


def test_size(browser, site):
    assert sum(p.stat().st_size for p in site.rglob('*') if p.is_file()) < 25e6
    page, sizes = browser.new_page(), []
    page.on('request', lambda r: sizes.append(Path(r.url.removeprefix('file://').partition('?')[0]).stat().st_size) if r.url.startswith('file:') else None)
    page.goto((site/'index.html').as_uri())
    assert sum(sizes) < 1e6
    assert page.evaluate('performance.getEntriesByType("navigation")[0].domInteractive') < 1000
    page.close()


def test_copy_buttons_and_contents(browser, site):
    page = browser.new_page()
    visit(page, site, CHAPTERS[0])
    assert page.locator('div.cell_input button.copybtn').count() > 10
    assert page.locator('.bd-toc-nav a, .page-toc a').count() > 3
    page.close()
