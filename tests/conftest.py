"""Options and fixtures of all tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from skanrs import _core


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that `make test-checked` and `make test-itk` use."""
    parser.addoption(
        '--checked',
        action='store_true',
        help='refuse kernels that were built without debug assertions',
    )
    parser.addoption('--itk', metavar='PYTHON', help='a Python that has ITK')
    parser.addoption('--itk-seed', type=int, default=0, help='of the random images for ITK')


def pytest_configure(config: pytest.Config) -> None:
    """Refuse another build than the options name."""
    if config.getoption('checked') and not _core.debug_assertions:
        raise pytest.UsageError(f'--checked: {_core.__file__} checks no debug assertions')


def pytest_report_header() -> str:
    """Return a line about the kernels under test."""
    kind = 'checked' if _core.debug_assertions else 'optimised'
    return f'kernels: {kind}, vectors {_core.vectors()}, {_core.__file__}'


@pytest.fixture
def itk_seed(request: pytest.FixtureRequest) -> int:
    """Return the seed of the random images that ITK thins too."""
    return request.config.getoption('itk_seed')


@pytest.fixture(scope='session')
def client() -> Iterator[Any]:
    """Return a client of two worker processes, each with one thread and little memory."""
    import dask
    from distributed import Client, LocalCluster

    with (
        warnings.catch_warnings(),
        dask.config.set({'distributed.worker.daemon': True}),
    ):
        # Tests stop and start workers.
        warnings.simplefilter('ignore')
        with (
            LocalCluster(
                n_workers=2, threads_per_worker=1, memory_limit='1GB', dashboard_address=None
            ) as cluster,
            Client(cluster, set_as_default=False) as client,
        ):
            yield client


@pytest.fixture(params=['sync', 'threads', 'distributed'])
def scheduler(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run a test with each scheduler."""
    import dask

    if request.param == 'distributed':
        with request.getfixturevalue('client').as_current():
            yield 'distributed'
    else:
        with dask.config.set(scheduler=request.param):
            yield request.param


@pytest.fixture
def listens_to_ctrl_c() -> Iterator[None]:
    """Let Ctrl-C raise here and in children; background jobs of a shell ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def run_python() -> Callable[..., str]:
    """Return a function that runs code in a new interpreter and returns its output."""

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
