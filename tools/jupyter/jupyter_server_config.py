"""JupyterLab as `make lab` starts it: what it saves is as clean as what is committed."""
import os, sys, warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tidy import tidy


def clean_on_save(model, **kwargs):
    "Leave out of a saved notebook what differs from run to run."
    if model['type'] == 'notebook' and model['content']['nbformat'] == 4: tidy(model['content'])


# One thread: two cost more than they bring on small matrices, and add up in another order, so that last digits would differ
os.environ.setdefault('OMP_NUM_THREADS', '1')
# Jupyter reads this file twice, and warns about what it finds the second time
warnings.filterwarnings('ignore', message='Overriding existing pre_save_hook')
c = get_config()  # noqa: F821  (Jupyter defines it)
c.FileContentsManager.pre_save_hook = clean_on_save
c.LabApp.default_url = '/lab/tree/my/00_foundations.ipynb'
c.ServerApp.allow_root = True
