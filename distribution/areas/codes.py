"""What codes of areas mean: `BR:35`, or `35` where only one scheme has it; old codes lead to what replaced them."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from core.errors import NotFound
from distribution.errors import AreaAmbiguous
from distribution.models import Area, AreaAlias
from distribution.models.areas import AREA_CODE_LENGTH_MAX, SCHEME_CODE_LENGTH_MAX

PUBLIC_CODE_LENGTH_MAX = SCHEME_CODE_LENGTH_MAX + 1 + AREA_CODE_LENGTH_MAX


@dataclass(frozen=True, slots=True)
class _Meant:
    """What bears a code in some schemes: living areas, areas that replaced one of this code, retired ones."""

    living: dict[str, Area] = field(default_factory=dict)
    replaced_by: dict[str, Area] = field(default_factory=dict)
    retired: dict[str, Area] = field(default_factory=dict)

    def choose(self, code: str, scheme: str) -> Area | None:
        for by_scheme in (self.living, self.replaced_by, self.retired):
            found = [area for name, area in by_scheme.items() if not scheme or name == scheme]
            if len(found) == 1:
                return found[0]
            if found:
                known = ", ".join(f"{name}:{code}" for name in sorted(by_scheme))
                raise AreaAmbiguous(f"Several schemes have this code: say {known}.")
        return None


def find_area(code: str) -> Area:
    """
    Return the area of a code, with its parent; a retired one only where nothing replaced it.

    :raises NotFound: there is none.
    :raises AreaAmbiguous: several schemes have this code.
    """
    scheme, bare = split_code(code)
    area = _meant([bare])[bare].choose(bare, scheme)
    if area is None:
        raise NotFound
    return area


def find_living_areas(codes: Iterable[str]) -> dict[str, Area]:
    """Return the areas of those codes that name exactly one which is in force; two statements for any number."""
    wanted = {code: split_code(code) for code in codes}
    meant = _meant({bare for _scheme, bare in wanted.values()})
    found = {}
    for code, (scheme, bare) in wanted.items():
        try:
            area = meant[bare].choose(bare, scheme)
        except AreaAmbiguous:
            continue
        if area is not None and area.retired_at is None:
            found[code] = area
    return found


def split_code(code: str) -> tuple[str, str]:
    """Return scheme and bare code; the scheme is empty where it is not said."""
    scheme, colon, bare = code.partition(":")
    return (scheme, bare) if colon else ("", scheme)


def _meant(codes: Iterable[str]) -> defaultdict[str, _Meant]:
    wanted = set(codes)
    meant: defaultdict[str, _Meant] = defaultdict(_Meant)
    if not wanted:
        return meant
    for area in Area.objects.filter(code__in=wanted).select_related("parent"):
        kind = meant[area.code].living if area.retired_at is None else meant[area.code].retired
        kind[area.scheme_id] = area
    for alias in AreaAlias.objects.filter(code__in=wanted).select_related("area__parent"):
        meant[alias.code].replaced_by[alias.scheme_id] = alias.area
    return meant
