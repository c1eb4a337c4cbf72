"""Lint several Snakefiles: python lint_all.py FOLDER...

Most of the time of ``snakemake --lint`` goes into imports; here these are made once.
"""

from __future__ import annotations

import os
import sys

import snakemake.cli


def content(folder: str) -> bool:
    """Whether ``snakemake --lint`` has nothing to say of the Snakefile in a folder; says it otherwise."""
    child = os.fork()
    if child == 0:
        os.chdir(folder)
        try:
            snakemake.cli.main(["--lint"])
        except SystemExit as end:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(end.code if isinstance(end.code, int) else 1)
        finally:
            os._exit(1)
    if os.waitpid(child, 0)[1] == 0:
        return True
    print("the linter does not like", folder)
    return False


if __name__ == "__main__":
    disliked = [folder for folder in sys.argv[1:] if not content(folder)]
    sys.exit(bool(disliked))
