"""The command line where files may have only so many bytes, which stands for a full disk."""


def limited_to(num_bytes: int) -> str:
    """Code for `python -c`, followed by the words of a command.

    It keeps no bytecode: Python takes what did not fit for whole, and whoever imports that module
    later fails.
    """
    return f"""
import os, resource, sys
sys.dont_write_bytecode = True
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"  # in processes that it starts
resource.setrlimit(resource.RLIMIT_FSIZE, ({num_bytes}, {num_bytes}))
from brokenvideos.tools.commands.main import main
main()
"""
