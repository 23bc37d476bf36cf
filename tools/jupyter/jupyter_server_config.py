"""JupyterLab as `make lab` starts it: what it saves is as clean as what is committed."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tidy import tidy


def clean_on_save(model, **kwargs):
    "Leave out of a saved notebook what differs from run to run."
    if model['type'] == 'notebook' and model['content']['nbformat'] == 4: tidy(model['content'])


c = get_config()  # noqa: F821  (Jupyter defines it)
c.FileContentsManager.pre_save_hook = clean_on_save
