"""Write the README's picture, docs/depth.png, from the stored output of the cell labelled `depth` in nbs/00_foundations.ipynb."""
import base64, json
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def stored_figure(notebook, label):
    "The PNG that the cell with the line `#| label: LABEL` of `notebook` stores, and the width at which it is meant to be shown."
    for cell in json.loads((ROOT/'nbs'/notebook).read_text(encoding='utf-8'))['cells']:
        if f'#| label: {label}\n' in cell['source']:
            out = next(o for o in cell['outputs'] if 'image/png' in o.get('data', {}))
            return base64.b64decode(''.join(out['data']['image/png'])), out['metadata']['image/png']['width']
    raise LookupError(f'{notebook} has no cell labelled {label}')


if __name__ == '__main__':
    png, width = stored_figure('00_foundations.ipynb', 'depth')
    (ROOT/'docs'/'depth.png').write_bytes(png)
    print(f'docs/depth.png: to be shown {width} wide')
