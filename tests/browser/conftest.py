"""A real browser for the tests in this folder: the system's Chromium. Without one they are skipped, and say so."""
import os, shutil
import pytest

FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']
CHROMIUM = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'))), None)


@pytest.fixture(scope='session')
def browser():
    if CHROMIUM is None: pytest.skip('no Chromium on this machine (Debian: apt install chromium)')
    from playwright.sync_api import sync_playwright
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope='session')
def shots(tmp_path_factory):
    "Where screenshots go: the folder $SCREENSHOTS, or a temporary one."
    from pathlib import Path
    folder = Path(os.environ.get('SCREENSHOTS') or tmp_path_factory.mktemp('screenshots'))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
