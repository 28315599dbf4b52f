"""Make or renew a checkout's own environment, .venv. Called by scripts/environment; standard library only.

The last act writes the stamp that scripts/environment compares, so an interrupted build is never taken for a whole one.
"""

import fcntl
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import IO

# pip must not choose a newer build tool than the one locked, so it comes first and the build is not isolated.
BUILD_TOOL = "hatchling"
TARGETS = {"runtime": ".", "dev": ".[dev]"}


def main(root: Path, part: str, wanted: str) -> None:
    """Bring root/.venv up to `wanted` for a part, "runtime" or "dev"; one process at a time, the others wait."""
    environment = root / ".venv"
    stamp = environment / f"perfsim-{part}"
    with (root / ".venv.lock").open("w") as lock:
        wait_for(lock)
        usable = os.access(environment / "bin" / "python", os.X_OK)
        if usable and stamp.is_file() and stamp.read_text() == wanted:
            return
        install(root, part, renew=usable and (environment / "perfsim-runtime").is_file())
        # The development part holds the other one.
        for finished in {part, "runtime"}:
            write_atomically(environment / f"perfsim-{finished}", wanted)


def wait_for(lock: IO[str]) -> None:
    """Take the lock, and say so if another process has it. It falls when its process ends, however that ends."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("another process is making .venv; waiting for it")
        fcntl.flock(lock, fcntl.LOCK_EX)


def install(root: Path, part: str, *, renew: bool) -> None:
    """Install perfsim and the locked versions of what it needs; anew, unless there is a whole environment to renew."""
    environment = root / ".venv"
    version = ".".join(map(str, sys.version_info[:3]))
    if renew:
        say(f"bringing the {part} part of .venv up to date")
    else:
        say(f"making .venv in {root} with Python {version}, this once (about a minute)")
        venv.create(environment, clear=True, with_pip=True)
    for old_stamp in environment.glob("perfsim-*"):
        old_stamp.unlink()
    pip = [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    locked = [*pip, "--constraint", "requirements.lock"]
    subprocess.run([*locked, BUILD_TOOL], cwd=root, check=True)
    subprocess.run([*locked, "--no-build-isolation", "--editable", TARGETS[part]], cwd=root, check=True)


def write_atomically(path: Path, text: str) -> None:
    """Write a file that is there whole or not at all."""
    unfinished = path.with_suffix(".new")
    unfinished.write_text(text)
    unfinished.replace(path)


def say(text: str) -> None:
    """One line on stderr: stdout is the data's."""
    sys.stderr.write(f"perfsim: {text}\n")


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
    except subprocess.CalledProcessError as failure:
        say(f"could not make .venv: `{' '.join(failure.cmd[1:4])}` failed, see above; the next call tries again")
        sys.exit(1)
    except OSError as failure:
        say(f"could not make .venv: {failure}")
        sys.exit(1)
    except KeyboardInterrupt:
        say("interrupted; the next call makes .venv anew")
        sys.exit(130)
