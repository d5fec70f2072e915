"""Types of the compiled kernels; `make lint` holds them against the module itself."""

__all__ = ['__version__', 'get_num_threads', 'set_num_threads']

__version__: str

def set_num_threads(count: int | None) -> None: ...
def get_num_threads() -> int: ...
