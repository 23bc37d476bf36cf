"The small library that the course's notebooks export, and what shortens them under test."
import os

__version__ = "0.1.0"

def in_test(short, otherwise):
    "`short` where a test runs the notebook, `otherwise` what a reader sees."
    return short if os.environ.get('IN_TEST') else otherwise
