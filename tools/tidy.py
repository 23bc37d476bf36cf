"""What a notebook of the course looks like when it is stored: nbdev's cleaning, and nothing that differs from run to run."""
import re
from nbdev.clean import clean_nb

WIDGET = 'application/vnd.jupyter.widget-view+json'
SLIDER = 'A slider stands here while the notebook runs.'
PROGRESS = re.compile(r'(^|[\r\n:])\s*\d+%\|')  # tqdm's "  7%|", at the start of a line or after its description


def is_progress(out):
    "Is this output a progress bar, drawn as a widget or as text?"
    text = out.get('text', '') or out.get('data', {}).get('text/plain', '')
    return bool(PROGRESS.search(''.join(text))) and (out['output_type'] == 'stream' or WIDGET in out.get('data', {}))


def merge_streams(outputs):
    "Join neighbouring pieces of printed text: how a kernel cuts them up differs from run to run."
    merged = []
    for out in outputs:
        if out['output_type'] == 'stream':
            out['text'] = ''.join(out['text'])
            if merged and merged[-1].get('name') == out['name']:
                merged[-1]['text'] += out['text']
                continue
        merged.append(out)
    for out in merged:
        if out['output_type'] == 'stream': out['text'] = out['text'].splitlines(keepends=True)
    return merged


def tidy_outputs(outputs):
    "Outputs without progress bars, and with words for sliders: a widget's view holds an address that is new each time."
    kept = [out for out in outputs if not is_progress(out)]
    for out in kept:
        if WIDGET in out.get('data', {}): out.update(data={'text/plain': [SLIDER]}, metadata={})
    return merge_streams(kept)


def tidy(nb):
    "Clean notebook `nb` (a dict as read from JSON) in place."
    nb['metadata'].pop('widgets', None)
    for cell in nb['cells']:
        if cell['cell_type'] == 'code': cell['outputs'] = tidy_outputs(cell['outputs'])
    clean_nb(nb, allowed_cell_metadata_keys=['jupyter'])      # collapsed cells stay collapsed
