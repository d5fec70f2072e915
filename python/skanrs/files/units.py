"""Units of length: their usual spelling, and sizes in one of them."""

from collections.abc import Sequence

__all__ = ['METRES', 'in_one_unit', 'plain_unit']

# Units of length, as files spell them, in small letters; plurals in -s are read too.
UNITS = {
    'pm': ('pm', 'picometer', 'picometre'),
    'Å': ('å', '\\u00c5', 'angstrom', 'ångström', 'ångstrom', 'angström', 'a'),
    'nm': ('nm', 'nanometer', 'nanometre'),
    'µm': ('µm', 'μm', 'um', 'âµm', 'micron', 'micrometer', 'micrometre', '\\u00b5m', '\\u03bcm'),
    'mm': ('mm', 'millimeter', 'millimetre'),
    'cm': ('cm', 'centimeter', 'centimetre'),
    'dm': ('dm', 'decimeter', 'decimetre'),
    'm': ('m', 'meter', 'metre'),
    'km': ('km', 'kilometer', 'kilometre'),
    'thou': ('thou', 'mil', 'mils'),
    'in': ('in', 'inch', 'inche', '"'),
    'ft': ('ft', 'foot', 'feet'),
}
METRES = {
    'pm': 1e-12,
    'Å': 1e-10,
    'nm': 1e-9,
    'µm': 1e-6,
    'mm': 1e-3,
    'cm': 1e-2,
    'dm': 1e-1,
    'm': 1.0,
    'km': 1e3,
    'thou': 2.54e-5,
    'in': 0.0254,
    'ft': 0.3048,
}
NO_UNIT = ('', 'pixel', 'voxel', 'px', 'none', 'null', 'unknown', 'reference frame', 'arbitrary')


def plain_unit(text: object) -> str | None:
    """Return a unit of length in its usual spelling; None for none, and unknown ones unchanged."""
    name = str(text or '').strip().strip('\x00')
    lower = name.lower()
    # Plurals of words, not of abbreviations: ms are no metres.
    for spelling in (lower, lower.removesuffix('s') if len(lower) > 4 else lower):
        if spelling in NO_UNIT:
            return None
        for unit, spellings in UNITS.items():
            if spelling in spellings:
                return unit
    return name


def in_one_unit(
    sizes: Sequence[float], units: Sequence[str | None]
) -> tuple[tuple[float, ...] | None, str | None]:
    """Return sizes in the unit of the last of them.

    Parameters
    ----------
    sizes : sequence of float
        Size of a voxel along each axis.
    units : sequence of str or None
        The unit of each, as `plain_unit` gives it.

    Returns
    -------
    sizes : tuple of float or None
        None where units cannot be compared. Sizes without a unit are taken to be in the unit of the
        others.
    unit : str or None
        None too where an axis has no unit.
    """
    named = {unit for unit in units if unit is not None}
    if len(named) <= 1:
        return tuple(sizes), units[-1] if len(set(units)) == 1 else None
    known = [METRES.get(unit or '') for unit in units]
    last = known[-1]
    if last is None or None in known:
        return None, None
    return tuple(
        _rounded(size * metres / last)  # type: ignore[operator]
        for size, metres in zip(sizes, known, strict=True)
    ), units[-1]


def in_unit(
    sizes: tuple[float, ...], unit: str | None, wanted: str | None
) -> tuple[tuple[float, ...], str | None]:
    """Return sizes in another unit, with that unit; as they are, if that is not known."""
    metres, wanted_metres = METRES.get(unit or ''), METRES.get(wanted or '')
    if unit == wanted or metres is None or wanted_metres is None:
        return sizes, unit
    return tuple(_rounded(size * metres / wanted_metres) for size in sizes), wanted


def _rounded(size: float) -> float:
    """Return a size without the noise of its conversion: 2 µm are 2000 nm."""
    return float(f'{size:.15g}')
