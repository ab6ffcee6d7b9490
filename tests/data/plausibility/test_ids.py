from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darlr.data.parsing.missing import OF_PROGRAMS
from darlr.data.parsing.tables import table_of
from darlr.data.plausibility.ids import meeting
from darlr.errors import InputError
from tests.data.plausibility.folders import LOG, load, notes_of

CASES = LOG.replace(",10,", ",Größe-A,").replace(",20,", ",b2,").replace(",30,", ",c3,")


@pytest.mark.parametrize(
    ("log", "ids"),
    [
        (LOG, ["10.0", "20.0", "30.0"]),
        (LOG, ["0010", "0020", "0030"]),
        (LOG, ["+10", "+20", "+30"]),
        (LOG, ["1e1", "2e1", "3e1"]),
        (LOG, ["1.0E+01", "2.0E+01", "3.0E+01"]),
        (LOG, ["１０", "２０", "３０"]),
        (LOG, ["1\u200b0", "2\u200b0", "3\u200b0"]),
        (LOG, ["'10'", "'20'", "'30'"]),
        (LOG, ["b'10'", "b'20'", "b'30'"]),
        (CASES, ["GRÖSSE-A", "B2", "C3"]),
        (CASES, ["Gro\u0308ße-A", "b2\u2060z"[:-1] + "_", "c\u00ad3"]),
        (CASES, ["größe-a", "b2 2"[:2], "C3"]),
    ],
)
def test_a_catalogue_with_other_spellings_is_refused(tmp_path: Path, log: str, ids: list[str]) -> None:
    with pytest.raises(
        InputError, match=r"items.csv: line \d, column 'item_id' has \d ids? of interactions.csv in another spelling"
    ):
        load(tmp_path, interactions=log, items="item_id,price\n" + "".join(f"{text},1\n" for text in ids))


def test_the_refusal_names_both_spellings_and_the_share(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        load(tmp_path, items="item_id,price\n10.0,1\n20.0,2\n30,3\n")
    assert str(refused.value) == (
        f"{tmp_path}/items.csv: line 2, column 'item_id' has 2 ids of interactions.csv in another spelling "
        "('10.0' for '10'), and "
        "1 of 3 in its own; did you mean '10'? Expected ids as interactions.csv spells them"
    )
    with pytest.raises(InputError, match=r"users.csv: line 2, column 'user_id' has 2 ids of interactions.csv"):
        load(tmp_path, users="user_id,age\n01,20\n02,30\n")


def test_a_few_other_spellings_are_noted(tmp_path: Path) -> None:
    found = notes_of(tmp_path, items="item_id,price\n10,1\n20,2\n030,3\n")
    assert (
        "items.csv: column 'item_id' has 1 id of interactions.csv in another spelling ('030' for '30') (line "
        "4); they are read as others" in found
    )


@pytest.mark.parametrize(
    ("ids", "note"),
    [
        (
            ["x1", "x2"],
            "items.csv: column 'item_id' has none of the ids of interactions.csv ('x1', 'x2' instead of '10', '20', '30')",
        ),
        (
            ["10", "99"],
            "items.csv: column 'item_id' has 1 of 3 ids of interactions.csv; the others have nothing of its "
            "columns ('20', '30')",
        ),
    ],
)
def test_a_catalogue_of_others_is_noted(tmp_path: Path, ids: list[str], note: str) -> None:
    assert note in notes_of(tmp_path, items="item_id,price\n" + "".join(f"{text},{n}\n" for n, text in enumerate(ids)))


def test_ids_of_any_case_that_meet_are_not_noted(tmp_path: Path) -> None:
    log = "user_id,item_id,reward\n1,aB,5\n1,cD,4\n2,aB,2\n2,cD,1\n"
    loaded = load(tmp_path, interactions=log, items="item_id,price\naB,1\ncD,2\nef,3\n")
    assert loaded.findings.notes == ()
    assert ("items.csv: ids", "2 of 2 of the log's, e.g. 'aB', 'cD', 'ef'; 1 that the log lacks") in loaded.findings.figures


WORDS = [*OF_PROGRAMS, "NA", "na", "nil", "none", "-", "?", "Null", "NONE", "missing"]


@pytest.mark.parametrize("word", WORDS)
def test_a_word_for_none_among_integers_is_refused(tmp_path: Path, word: str) -> None:
    for interactions in (LOG + f"{word},10,3\n", LOG + f"1,{word},3\n"):
        with pytest.raises(InputError) as refused:
            load(tmp_path, interactions=interactions)
        column = "user_id" if interactions.endswith(",10,3\n") else "item_id"
        where = f"{tmp_path}/interactions.csv: line 6, column '{column}' holds '{word}'"
        assert str(refused.value) == f"{where}; expected an id; leave out rows without one"


def test_a_word_for_none_among_text_is_noted_unless_a_program_wrote_it(tmp_path: Path) -> None:
    text = LOG.replace("\n1,", "\nann,").replace("\n2,", "\nbob,")
    found = notes_of(tmp_path, interactions=text + "NA,10,3\nNA,20,3\n")
    assert (
        "interactions.csv: column 'user_id' holds 'NA' as an id in 2 rows (line 6); leave such rows out if "
        "it means that there is none" in found
    )
    with pytest.raises(InputError, match="line 6, column 'user_id' holds 'NULL'; expected an id"):
        load(tmp_path, interactions=text + "NULL,10,3\n")


@pytest.mark.parametrize("word", ["\u200b10", "10\ufeff", "\u200e10", "10\u00a0", "\u300010", "10\u2028", "10\u00ad"])
def test_invisible_marks_around_an_id_are_refused(tmp_path: Path, word: str) -> None:
    with pytest.raises(InputError, match=r"line 6, column 'item_id' .*; expected an integer or text without spaces around it"):
        load(tmp_path, interactions=LOG + f'3,"{word}",3\n')


@pytest.mark.parametrize(
    ("log", "note"),
    [
        (
            LOG + "x7,10,3\n",
            "interactions.csv: column 'user_id': ids are text because of 'x7' (line 6); the others are integers (2)",
        ),
        (
            "user_id,item_id,reward\n1.0,10,5\n1.0,20,4\n2.0,10,1\n",
            "interactions.csv: column 'user_id': whole numbers are written with decimals ('1.0', '2.0'), so that "
            "they are text and "
            "not integers",
        ),
        (
            "user_id,item_id,reward\n1.23E+15,10,5\n1.23E+15,20,4\n1.24E+15,10,1\n",
            "interactions.csv: column 'user_id': '1.23E+15', '1.24E+15' look like longer numbers that a spreadsheet shortened; "
            "several may have become the same",
        ),
        (
            "user_id,item_id,reward\nann,10,5\nAnn,20,4\nbob,10,1\n",
            "interactions.csv: column 'user_id': 1 id in several spellings, as 'ann', 'Ann', each read as a user of its own",
        ),
        (
            "user_id,item_id,reward\n1,Zo\u00eb,5\n1,Zoe\u0308,4\n2,x,1\n",
            "interactions.csv: column 'item_id': 1 id in several spellings, as 'Zo\u00eb', 'Zoe\u0308', each "
            "read as an item of its own",
        ),
    ],
)
def test_what_ids_look_like_is_noted(tmp_path: Path, log: str, note: str) -> None:
    assert note in notes_of(tmp_path, interactions=log)


def test_a_truth_of_other_spellings_is_refused_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        load(tmp_path, said="truth: {missing: 1}", truth="user_id,item_id,reward\n1.0,10,5\n2.0,20,4\n")
    assert str(refused.value) == (
        f"{tmp_path}/truth.csv: column 'user_id' has 2 unknown ids (1.0, 2.0); expected ids of the log or its catalogue; "
        "did you mean 1?"
    )


SPELLERS: list[Callable[[int], str]] = [
    lambda number: f"{number}.0",
    lambda number: f"{number:08d}",
    lambda number: f"+{number}",
    lambda number: f"'{number}'",
    lambda number: "".join(chr(0xFF10 + int(digit)) for digit in str(number)),
]


@given(numbers=st.lists(st.integers(1, 10**6), min_size=1, max_size=8, unique=True), speller=st.sampled_from(SPELLERS))
def test_no_other_spelling_of_all_ids_passes(numbers: list[int], speller: Callable[[int], str]) -> None:
    log = table_of("interactions", pl.DataFrame({"item_id": numbers}), ("item_id",))
    items = table_of("items", pl.DataFrame({"item_id": [speller(number) for number in numbers]}), ("item_id",))
    with pytest.raises(
        InputError, match=r"^items: row 0 \(from 0\), column 'item_id' has \d ids? of interactions in another spelling"
    ):
        meeting(log, log.ids("item_id"), items, "item_id")
