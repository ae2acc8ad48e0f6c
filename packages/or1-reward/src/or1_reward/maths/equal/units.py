"""Units: one name for each spelling, so that two written units can be told apart."""

from __future__ import annotations

import re
from typing import Final

_SPELLINGS: Final = {
    "m": "m meter meters metre metres",
    "cm": "cm centimeter centimeters centimetre centimetres",
    "mm": "mm millimeter millimeters millimetre millimetres",
    "km": "km kilometer kilometers kilometre kilometres",
    "in": "in inch inches",
    "ft": "ft foot feet",
    "yd": "yd yard yards",
    "mi": "mi mile miles",
    "g": "g gram grams",
    "kg": "kg kilogram kilograms",
    "mg": "mg milligram milligrams",
    "lb": "lb lbs pound pounds",
    "oz": "oz ounce ounces",
    "s": "s sec secs second seconds",
    "min": "min mins minute minutes",
    "h": "h hr hrs hour hours",
    "day": "day days",
    "week": "week weeks",
    "month": "month months",
    "year": "year years yr yrs",
    "L": "L l liter liters litre litres",
    "mL": "mL ml milliliter milliliters",
    "N": "N newton newtons",
    "J": "J joule joules",
    "W": "W watt watts",
    "V": "V volt volts",
    "A": "A amp amps ampere amperes",
    "K": "K kelvin",
    "Hz": "Hz hertz",
    "$": "dollar dollars usd USD",
    "cent": "cent cents",
    "mph": "mph",
    "rad": "rad radian radians",
    "°C": "°C",
    "°F": "°F",
}
_CANONICAL: Final = {spelling: unit for unit, spellings in _SPELLINGS.items() for spelling in spellings.split()}
_POWERS: Final = {"square": "^2", "sq": "^2", "cubic": "^3", "cu": "^3"}


def canonical_unit(text: str) -> str | None:
    """One name for a unit written in any way; None for words that are no unit of measure (`points`)."""
    if text.startswith("mod "):
        return text
    text = text.strip().rstrip(".").replace(" per ", "/").replace("squared", "^2").replace("cubed", "^3")
    parts = []
    for factor in re.split(r"([/*])", text):
        name = "*" if factor in "*" else factor if factor == "/" else _one(factor.strip())
        if name is None:
            return None
        parts.append(name)
    return "".join(parts)


def _one(text: str) -> str | None:
    words = text.split()
    power = ""
    if len(words) > 1 and words[0] in _POWERS:
        power = _POWERS[words.pop(0)]
    if len(words) != 1:
        return None
    name, _, raised = words[0].partition("^")
    unit = _CANONICAL.get(name) or _CANONICAL.get(name.lower())
    return None if unit is None else unit + (f"^{raised}" if raised else power)
