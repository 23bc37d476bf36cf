"""JupyterLab as `make lab` starts it: what it saves is as clean as what is committed."""
import os, sys, warnings
from pathlib import Path
from ipykernel.ipkernel import IPythonKernel
from jupyter_client.kernelspec import get_kernel_spec
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tidy import tidy


def clean_on_save(model, **kwargs):
    "Leave out of a saved notebook what differs from run to run."
    if model['type'] == 'notebook' and model['content']['nbformat'] == 4: tidy(model['content'])


class Contents(AsyncLargeFileManager):
    "Hands out a notebook with what JupyterLab would write into it when its kernel starts: without, each opens as unsaved."
    async def get(self, *args, **kwargs):
        model = await super().get(*args, **kwargs)
        if model['type'] == 'notebook' and model['content'] and model['content']['metadata'].get('kernelspec', {}).get('name') == 'python3':
            spec = get_kernel_spec('python3')
            model['content']['metadata'].update(language_info=IPythonKernel.language_info,
                                                kernelspec={'display_name': spec.display_name, 'language': spec.language, 'name': 'python3'})
        return model


# One thread: two cost more than they bring on small matrices, and add up in another order, so that last digits would differ
os.environ.setdefault('OMP_NUM_THREADS', '1')
# Jupyter reads this file twice, and warns about what it finds the second time
warnings.filterwarnings('ignore', message='Overriding existing pre_save_hook')
c = get_config()  # noqa: F821  (Jupyter defines it)
c.ServerApp.contents_manager_class = Contents
c.FileContentsManager.pre_save_hook = clean_on_save
c.LabApp.default_url = '/lab/tree/my/00_foundations.ipynb'
c.ServerApp.allow_root = True
