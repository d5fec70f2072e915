"""Units of length: their usual spelling, and sizes in one of them."""

from collections.abc import Sequence

from .errors import FileError

__all__ = ['METRES', 'in_one_unit', 'plain_unit']

# Units of length, as files spell them.
UNITS = {
    'nm': ('nm', 'nanometer', 'nanometre'),
    'µm': ('µm', 'μm', 'um', 'micron', 'microns', 'micrometer', 'micrometre', '\\u00b5m'),
    'mm': ('mm', 'millimeter', 'millimetre'),
    'cm': ('cm', 'centimeter', 'centimetre'),
    'm': ('m', 'meter', 'metre'),
}
METRES = {'nm': 1e-9, 'µm': 1e-6, 'mm': 1e-3, 'cm': 1e-2, 'm': 1.0}


def plain_unit(text: object) -> str | None:
    """Return a unit of length in its usual spelling."""
    name = str(text or '').strip().strip('\x00')
    for unit, spellings in UNITS.items():
        if name.lower() in spellings or name == unit:
            return unit
    return None if name.lower() in ('', 'pixel', 'pixels', 'none', 'null', 'unknown') else name


def in_one_unit(
    spacing: Sequence[float], units: Sequence[str | None], name: object
) -> tuple[tuple[float, ...], str | None]:
    """Return sizes in the unit of the last of them; `name` is that of the file."""
    unit = units[-1]
    if len(set(units)) == 1:
        return tuple(spacing), unit
    known = [METRES.get(one or '') for one in units]
    if None in known:
        raise FileError(f'{name} names units of axes that differ: {", ".join(map(str, units))}')
    last = known[-1]
    return tuple(
        size * metres / last  # type: ignore[operator]
        for size, metres in zip(spacing, known, strict=True)
    ), unit
