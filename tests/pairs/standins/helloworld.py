"""Stands for code/helloworld.py: writes the options, in whatever order they are, into --outputfile."""

import argparse
import hashlib
from pathlib import Path

parser = argparse.ArgumentParser()
for name in ("inputfile", "outputfile", "sleeptime"):
    parser.add_argument(f"--{name}", required=True)
given = parser.parse_args()
made = Path(given.outputfile)
made.parent.mkdir(parents=True, exist_ok=True)
read = hashlib.sha256(Path(given.inputfile).read_bytes()).hexdigest()
made.write_text(f"{read} {made.name} {given.sleeptime}\n")
