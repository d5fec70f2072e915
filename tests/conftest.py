"""What several test modules share."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


@pytest.fixture
def listens_to_ctrl_c() -> Iterator[None]:
    """Ctrl-C raises, here and in children: a shell has its background jobs ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def run_python() -> Callable[..., str]:
    """Run code in a new interpreter and return what it prints."""

    def run(code: str, *, env: dict[str, str] | None = None, cwd: Path | None = None) -> str:
        done = subprocess.run(
            [sys.executable, '-c', code],
            env=os.environ | (env or {}),
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
