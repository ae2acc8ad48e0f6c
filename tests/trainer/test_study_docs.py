"""`docs/studies/` is what `study report` makes of the stored metrics, and its README says no other effects."""

import re
import shutil
from pathlib import Path

import pytest

from or1_trainer.study.claim import read_study, study_names
from or1_trainer.study.results import read_index, write_pages
from or1_trainer.study.runs import FIRST_SEED

BOOK = Path(__file__).parents[2] / "docs" / "studies"
EFFECT = re.compile(r"-?[\d.]+ \[-?[\d.]+, -?[\d.]+\]")


def test_every_page_and_figure_is_rebuilt_from_the_stored_metrics_alone(tmp_path):
    book = tmp_path / "book"
    shutil.copytree(BOOK, book, ignore=shutil.ignore_patterns("*.md", "*.svg"))
    write_pages(book)
    made = {path.relative_to(book) for path in book.rglob("*") if path.suffix in (".md", ".svg")}
    kept = {path.relative_to(BOOK) for path in BOOK.rglob("*") if path.suffix in (".md", ".svg")}
    assert kept - {Path("README.md")} == made
    differing = [str(path) for path in made if (book / path).read_bytes() != (BOOK / path).read_bytes()]
    assert not differing


@pytest.mark.parametrize("name", study_names())
def test_the_book_has_the_study_as_it_ships_on_the_seeds_that_were_set(name):
    index = read_index(BOOK / name / "index.json")
    assert index.study == read_study(name)
    assert index.seeds[:3] == [FIRST_SEED, FIRST_SEED + 1, FIRST_SEED + 2]


@pytest.mark.parametrize("path", sorted((BOOK / "smollm2").glob("*.toml")), ids=lambda path: path.stem)
def test_the_book_has_the_studies_of_the_pretrained_model_on_two_seeds(path):
    study = read_study(str(path))
    index = read_index(BOOK / study.name / "index.json")
    assert path.stem == study.name and len(study.arms) == 2 and study.recipe == "smollm2"
    assert (index.study, index.seeds) == (study, [FIRST_SEED, FIRST_SEED + 1])


def test_no_stored_run_is_left_over_and_each_effect_in_the_readme_stands_on_a_page():
    used = {key for path in BOOK.glob("*/index.json") for keys in read_index(path).arms.values() for key in keys}
    assert {path.stem for path in (BOOK / "runs").iterdir()} == used
    pages = " ".join(path.read_text() for path in BOOK.glob("*.md") if path.name != "README.md")
    effects = EFFECT.findall((BOOK / "README.md").read_text())
    assert effects and [effect for effect in effects if effect not in pages] == []
