"""Units: one name for every spelling of a unit, so that two can be told apart; and nouns that are counted."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from or1_reward.maths.parse.vocabulary import words

_BASE: Final = {
    "m": "m meter meters metre metres 米 mètre mètres",
    "g": "g gram grams gramme grammes 克",
    "s": "s sec secs second seconds 秒 seconde secondes",
    "A": "A amp amps ampere amperes",
    "K": "K kelvin kelvins",
    "mol": "mol mole moles",
    "cd": "cd candela",
    "N": "N newton newtons",
    "J": "J joule joules",
    "W": "W watt watts",
    "V": "V volt volts",
    "C": "C coulomb coulombs",
    "F": "F farad farads",
    "H": "H henry henries",
    "T": "T tesla teslas",
    "Wb": "Wb weber webers",
    "Ω": "Ω Omega ohm ohms",
    "Hz": "Hz hertz",
    "Pa": "Pa pascal pascals",
    "eV": "eV electronvolt electronvolts",
    "L": "L l liter liters litre litres 升",
    "bit": "bit bits",
    "B": "byte bytes",
    "rad": "rad radian radians rads",
    "sr": "sr steradian steradians",
    "cal": "cal calorie calories",
}
_PREFIXES: Final = {
    "p": "pico", "n": "nano", "μ": "micro", "m": "milli", "c": "centi", "d": "deci", "h": "hecto", "k": "kilo",
    "M": "mega", "G": "giga", "T": "tera",
}  # fmt: skip
_OTHERS: Final = {
    "in": "in inch inches",
    "ft": "ft foot feet",
    "yd": "yd yard yards",
    "mi": "mi mile miles",
    "lb": "lb lbs pound pounds",
    "oz": "oz ounce ounces",
    "ton": "ton tons tonne tonnes 吨",
    "min": "min mins minute minutes 分钟 分",
    "h": "h hr hrs hour hours heure heures 小时 时",
    "day": "d day days 天 日",
    "week": "week weeks wk wks 周",
    "month": "month months 月 个月",
    "year": "year years yr yrs 年",
    "km": "千米 公里",
    "cm": "厘米",
    "mm": "毫米",
    "kg": "千克 公斤 kilo kilos",
    "mL": "毫升",
    "gal": "gallon gallons gal",
    "pt": "pint pints",
    "qt": "quart quarts",
    "cup": "cup cups",
    "acre": "acre acres",
    "ha": "hectare hectares ha",
    "$": "dollar dollars usd USD 美元",
    "cent": "cent cents",
    "€": "euro euros EUR",
    "£": "GBP",
    "¥": "yuan RMB 元 yen",
    "₹": "rupee rupees Rs rs INR",
    "°": "degree degrees deg 度",
    "°C": "°C celsius",
    "°F": "°F fahrenheit",
    "%": "percent pct percentage",
    "am": "am AM a.m. A.M. a.m A.M",
    "pm": "pm PM p.m. P.M. p.m P.M",
    "unit": "unit units u 单位",
    "rev": "rev revs revolution revolutions",
    "atm": "atm atmosphere atmospheres",
    "rpm": "rpm",
    "dB": "dB decibel decibels",
}
_COMPOUNDS: Final = {
    "mph": "mi/h",
    "kph": "km/h",
    "kmh": "km/h",
    "kmph": "km/h",
    "fps": "ft/s",
    "mps": "m/s",
    "psi": "lb/in^2",
    "cc": "cm^3",
}
_POWERS: Final = {"square": 2, "sq": 2, "cubic": 3, "cu": 3, "平方": 2, "立方": 3}
_PREFIXED_UNITS: Final = words("m g s A K mol N J W V C F H T Wb Ω Hz Pa eV L bit B rad cal")


def _spellings() -> dict[str, str]:
    found = {spelling: unit for unit, spellings in _OTHERS.items() for spelling in spellings.split()}
    for unit, spellings in _BASE.items():
        for spelling in spellings.split():
            found[spelling] = unit
            if unit not in _PREFIXED_UNITS or not spelling.isascii():
                continue
            for short, long in _PREFIXES.items():
                found.setdefault(
                    (short if len(spelling) <= 3 and spelling[:1] != "o" else long) + spelling, short + unit
                )
                found.setdefault(long + spelling, short + unit)
    found.update({"μm": "μm", "um": "μm", "ml": "mL", "kwh": "kWh", "kWh": "kWh"})
    return found


_CANONICAL: Final = _spellings()
_CASELESS: Final = {spelling.lower(): unit for spelling, unit in _CANONICAL.items() if len(spelling) > 3}
_FACTOR: Final = re.compile(r"\s*([/*·]|\bper\b)\s*|\s+(a)\s+|\s+")
_TEMPERATURE: Final = re.compile(r"degrees?\s+(celsius|fahrenheit)", re.IGNORECASE)
_METERS_PER: Final = re.compile(r"^ms\^?\{?-([12])\}?$")
_DIVISOR: Final = re.compile(r"/\s*\(([^()]*)\)")
_DERIVED: Final = {
    "N": {"kg": 1, "m": 1, "s": -2},
    "J": {"kg": 1, "m": 2, "s": -2},
    "W": {"kg": 1, "m": 2, "s": -3},
    "Pa": {"kg": 1, "m": -1, "s": -2},
    "C": {"A": 1, "s": 1},
    "V": {"kg": 1, "m": 2, "s": -3, "A": -1},
    "Ω": {"kg": 1, "m": 2, "s": -3, "A": -2},
    "Hz": {"s": -1},
}
_RAISED: Final = re.compile(r"(.+?)\^?\{?(-?\d)\}?")


@lru_cache(2_048)
def canonical_unit(text: str) -> str | None:
    """One name for a unit in any spelling (`m s^-2`, `meters per second squared`); None for words that are no unit."""
    if text.startswith("mod "):
        return text
    powers: dict[str, int] = {}
    sign, power = 1, 1
    text = re.sub(r"^(?:in|of|the)\s+", "", text.strip())
    text = _METERS_PER.sub(r"m s^-\1", _TEMPERATURE.sub(lambda match: f"°{match[1][0].upper()}", text))
    text = _DIVISOR.sub(lambda match: "/" + re.sub(r"[\s*·]+", "/", match[1].strip()), text)
    text = re.sub(r"\s+(squared|cubed)\b", lambda match: "^2" if match[1] == "squared" else "^3", text)
    for piece in _FACTOR.split(text.replace("{", "").replace("}", "")):
        if not piece or piece.isspace():
            continue
        if piece in ("/", "per", "a"):
            sign = -1
        elif piece in ("*", "·"):
            continue
        elif piece.rstrip(".") in _POWERS:
            power = _POWERS[piece.rstrip(".")]
        else:
            factors = _one(piece)
            if factors is None:
                return None
            for unit, raised in factors.items():
                powers[unit] = powers.get(unit, 0) + sign * power * raised
            power = 1
    return "*".join(f"{unit}^{raised}" for unit, raised in sorted(powers.items()) if raised) or None


def in_base_units(unit: str) -> dict[str, int]:
    """A canonical unit in the base units of the SI, where it has no prefix (`N` is kg m s^-2)."""
    found: dict[str, int] = {}
    for factor in unit.split("*"):
        name, _, raised = factor.partition("^")
        for base, power in _DERIVED.get(name, {name: 1}).items():
            found[base] = found.get(base, 0) + power * int(raised)
    return {base: power for base, power in found.items() if power}


def _one(name: str) -> dict[str, int] | None:
    stem, raised = name, 1
    if (match := _RAISED.fullmatch(name)) is not None and match[1].strip("^") not in ("",):
        stem, raised = match[1].rstrip("^"), int(match[2])
    if stem in _COMPOUNDS:
        return {
            unit.partition("^")[0]: raised * (1 if at == 0 else -1) * int(unit.partition("^")[2] or 1)
            for at, unit in enumerate(_COMPOUNDS[stem].split("/"))
        }
    unit = _CANONICAL.get(stem) or _CANONICAL.get(stem.rstrip(".")) or _CASELESS.get(stem.lower().rstrip("."))
    for prefix, power in (("平方", 2), ("立方", 3)):
        if unit is None and stem.startswith(prefix) and (inner := _CANONICAL.get(stem[2:])):
            return {inner: power * raised}
    return None if unit is None else {unit: raised}


_PLURALS: Final = words(
    "people men women children feet geese mice teeth dice sheep fish deer oxen data criteria vertices"
)
_SINGULARS: Final = words(
    "person man woman child student apple way solution point time triangle square circle number digit "
    "unit integer pair coin ball card marble book dollar side edge vertex face term factor root value "
    "element element(s) possibility row column degree revolution turn lap trip page pizza pie cake slice "
    "piece cup bag box group team game hour problem"
)
_NOT_COUNTED: Final = words(
    "less plus minus times hundredths tenths thousandths thirds halves fourths quarters fifths sixths "
    "sevenths eighths ninths hundreds thousands millions billions trillions dozens scores tens percents "
    "more fewer profit loss gain increase decrease not never or nor neither and alternatively otherwise "
    "maybe perhaps possibly power squared cubed half third quarter fifth tenth hundredth thousandth "
    "hundred thousand million billion trillion dozen double twice thrice over to factorial is wrong false "
    "approximately about roughly nearly almost except unless but if else instead plus-minus one two three "
    "four five six seven eight nine ten eleven twelve mod modulo base negative positive remainder north "
    "south east west left right up down above below before after ago later older younger taller shorter "
    "heavier faster slower ahead behind forward backward clockwise counterclockwise"
)
_ALIKE: Final = {
    "gain": "profit", "reduction": "decrease", "drop": "decrease", "rise": "increase", "growth": "increase",
    "decline": "decrease",
}  # fmt: skip
_SMALL: Final = words("of the a an in per total different distinct such all integer real positive possible")
_CHINESE_COUNT: Final = re.compile(r"[个种只本名人次条张颗件枚对组块道题台辆棵头位根支双套]{1,3}")


def is_counted(text: str) -> bool:
    """Whether words behind a number only say what is counted (`apples`, `different ways`, `integer solutions`)."""
    words = re.sub(r"[^\w\s().-]", " ", text).casefold().split()
    words = [word.strip("().") for word in words if word.strip("().")]
    if not words or words == ["times"]:
        return True
    if _CHINESE_COUNT.fullmatch("".join(words)):
        return True
    if any(word in _NOT_COUNTED or any(sign.isdigit() for sign in word) for word in words) or len(words) > 8:
        return False
    return any(
        word in _PLURALS or word in _SINGULARS or (len(word) > 3 and word.endswith("s") and not word.endswith("ss"))
        for word in words
    )


def same_nouns(first: str, second: str) -> bool:
    """Whether two descriptions of what is counted share a noun, grammatical number aside."""
    left, right = _stems(first), _stems(second)
    return not left or not right or (bool(left & right) and not (left - right and right - left))


def _stems(text: str) -> set[str]:
    words = re.sub(r"[^\w\s]", "", text.casefold()).split()
    words = [_ALIKE.get(word, word) for word in words]
    return {re.sub(r"(?:es|s)$", "", word) if len(word) > 3 else word for word in words if word not in _SMALL}
