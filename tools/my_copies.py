"""A reader's own copies of the notebooks, in my/, which git ignores: written once, never overwritten."""
import hashlib, json, shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def chapter(path):
    "A fingerprint of a notebook's cells, outputs left out."
    cells = json.loads(path.read_text(encoding='utf-8'))['cells']
    return hashlib.sha256(json.dumps([c['source'] for c in cells]).encode()).hexdigest()


def update(root=ROOT):
    "Copy chapters that are new; lines about those that have changed since they were copied."
    mine, record = root/'my', root/'my'/'.copied.json'
    mine.mkdir(exist_ok=True)
    known = json.loads(record.read_text()) if record.exists() else {}
    for path in sorted((root/'nbs').glob('[0-9]*.ipynb')):
        copy, now = mine/path.name, chapter(path)
        if not copy.exists():
            shutil.copy(path, copy)
            known[path.name] = now
        elif known.get(path.name) != now:
            yield f'{path.name} has changed since you began. Your copy stays as it is; for the new one beside it: cp nbs/{path.name} my/new_{path.name}'
    record.write_text(json.dumps(known, indent=1) + '\n')


if __name__ == '__main__':
    for line in update(): print(line)
    print('Your own copies of the notebooks are in my/: write in them, nothing there is ever overwritten.')
