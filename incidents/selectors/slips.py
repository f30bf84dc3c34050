"""Known words near to what was typed: `lpez`, `hernandes`, `mraiana`, `regadra`.

The dictionary gives candidates by shared trigrams; how many slips lie between two words decides.
"""

from django.db.models import FloatField, Func, Value

from common.folding import Fold

from ..models import NameWord, NarrativeWord


class Similarity(Func):
    """The share of trigrams that two texts have in common, 0 to 1."""

    function = "similarity"
    output_field = FloatField()


CANDIDATES = 24
MOST_NEAR = 4
FEWEST_LETTERS = 3


def slips(typed: str, word: str) -> int:
    """Letters left out, added, mistaken or swapped with their neighbour between two words."""
    before: list[int] = []
    row = list(range(len(word) + 1))
    for i, letter in enumerate(typed, start=1):
        older, before, row = before, row, [i]
        for j, other in enumerate(word, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == word[j - 2] and typed[i - 2] == other:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
    return row[-1]


def allowed_slips(word: str) -> int:
    """One in a short word, two in a longer one."""
    return 1 if len(word) < 6 else 2


def words_near(
    words: list[str], dictionary: type[NameWord] | type[NarrativeWord] = NameWord
) -> dict[str, list[str]]:
    """For each word typed, the few nearest of a dictionary, already folded; the nearest first."""
    near: dict[str, list[str]] = {word: [] for word in words}
    asked = [word for word in words if len(word) >= FEWEST_LETTERS]
    if not asked:
        return near
    parts = [
        dictionary._default_manager.filter(word__trigram_similar=Fold(Value(word)))
        .annotate(
            like=Similarity("word", Fold(Value(word))),
            typed=Value(word),
            folded=Fold(Value(word)),
        )
        .order_by("-like")
        .values_list("typed", "folded", "word")[:CANDIDATES]
        for word in asked
    ]
    rows = parts[0].union(*parts[1:], all=True) if len(parts) > 1 else parts[0]
    counted: dict[str, list[tuple[int, str]]] = {word: [] for word in words}
    for typed, folded, word in rows:
        count = slips(folded, word)
        if count <= allowed_slips(folded):
            counted[typed].append((count, word))
    return {
        word: [known for _n, known in sorted(found)[:MOST_NEAR]] for word, found in counted.items()
    }
