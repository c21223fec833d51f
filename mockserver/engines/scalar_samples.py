def _strings(flat: Flat, place: _Place) -> Iterator[str]:
    least, most = (
        min(int(flat.get("minLength", 0)), _LONGEST),
        min(int(flat.get("maxLength", _LONGEST)), _LONGEST),
    )
    if flat.get("format") in _FORMATS:
        yield _FORMATS[flat["format"]]
    if "pattern" in flat:
        yield from _matching(flat["pattern"], least)
    if place.hint and least <= len(place.hint) <= most:
        yield place.hint
    words = re.sub(r"(?<=[a-z\d])(?=[A-Z])|[\W_]+", " ", place.name).strip().lower() or "text"
    words = " ".join([words] * (1 + least // len(words)))
    for number in count(1):
        suffix = str(number) if number > 1 else ""
        yield words[: max(0, most - len(suffix))] + suffix


def _numbers(flat: Flat, whole: bool) -> Iterator[int | float]:
    bounds = {key: Fraction(str(flat[key])) for key in _TOLD_BY["number"] & flat.keys()}
    step = bounds.pop("multipleOf", Fraction(0))
    if whole:
        step = Fraction(step.numerator or 1)
    pace = step or Fraction(1)
    lows = [bounds[key] for key in ("minimum", "exclusiveMinimum") if key in bounds]
    highs = [bounds[key] for key in ("maximum", "exclusiveMaximum") if key in bounds]
    low = max(lows, default=min([Fraction(0), *highs]) - pace)
    high = min(highs, default=low + 400 * pace)
    wishes = [Fraction(1), low, low + pace, (low + high) / 2, high - pace, high, Fraction(0)]
    for wish in chain(wishes, (low + pace * number for number in range(2, 400))):
        number = wish // step * step if step else wish
        for near in (number, number + step):
            yield int(near) if near.denominator == 1 else float(near)
