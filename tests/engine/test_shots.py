"""Pictures on disk: the newest stay, within a budget, whatever else lies in the folder."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
import pytest

from custom_components.watchpost.engine.media.picture_store import PictureStore
from custom_components.watchpost.models import Picture

NOON = datetime(2026, 9, 13, 12, tzinfo=UTC)


def shot(n: int, size: int = 10) -> Picture:
    return Picture(NOON + timedelta(minutes=n), "image/jpeg", bytes([n % 256]) * size)


def kept(film: PictureStore, device: str) -> list[tuple[datetime, str]]:
    return [(frame.taken_at, frame.kind) for frame in film.of(device)]


def test_what_was_kept_is_found_again_as_it_was(tmp_path: Path) -> None:
    film = PictureStore(tmp_path / "film")
    for n, kind in ((1, "raw"), (1, "annotated"), (2, "raw")):
        film.keep("a", kind, shot(n))
    film.keep("b", "raw", Picture(NOON, "image/webp", b"webp"))

    again = PictureStore(tmp_path / "film")
    again.load()

    assert kept(again, "a") == kept(film, "a")
    assert [frame.read() for frame in again.of("a")] == [frame.read() for frame in film.of("a")]
    (frame,) = again.of("b")
    assert frame.read() == Picture(NOON, "image/webp", b"webp")
    assert again.of("c") == ()
    assert again.size == 34


def test_of_each_device_the_newest_times_stay(tmp_path: Path) -> None:
    film = PictureStore(tmp_path, max_times=3)
    for n in (5, 1, 4, 2, 3):
        for kind in ("raw", "annotated"):
            film.keep("a", kind, shot(n))
    film.keep("b", "raw", shot(0))

    assert sorted({at.minute for at, _ in kept(film, "a")}) == [3, 4, 5]
    assert len(kept(film, "a")) == 6
    assert len(kept(film, "b")) == 1
    assert len(list(tmp_path.rglob("*.jpg"))) == 7


def test_the_oldest_go_first_and_the_newest_of_each_device_last(tmp_path: Path) -> None:
    film = PictureStore(tmp_path, max_bytes=35)
    film.keep("quiet", "raw", shot(0))
    for n in range(1, 6):
        film.keep("busy", "raw", shot(n))

    assert [at.minute for at, _ in kept(film, "busy")] == [4, 5]
    assert [at.minute for at, _ in kept(film, "quiet")] == [0]


def test_a_picture_larger_than_the_budget_is_not_kept_and_harms_no_other(tmp_path: Path) -> None:
    film = PictureStore(tmp_path, max_bytes=50)
    film.keep("a", "raw", shot(1))
    film.keep("b", "raw", shot(2, size=1000))

    assert film.size <= 50


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 59), st.integers(1, 40)), max_size=25)
)
def test_the_budget_always_holds_and_the_disk_is_what_is_known(
    tmp_path_factory: pytest.TempPathFactory, taken: list[tuple[str, int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("film")
    film = PictureStore(folder, max_bytes=100, max_times=4)
    for device, n, size in taken:
        film.keep(device, "raw", shot(n, size))
        on_disk = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        assert film.size == on_disk <= 100
        for each in "abc":
            assert len(film.of(each)) <= 4
            times = [frame.taken_at for frame in film.of(each)]
            assert times == sorted(times)


def test_what_is_not_ours_is_left_alone_and_what_was_not_finished_goes(tmp_path: Path) -> None:
    film = PictureStore(tmp_path)
    film.keep("a", "raw", shot(1))
    (folder,) = tmp_path.iterdir()
    (folder / "holiday.jpg").write_bytes(b"x")
    (folder / "20261345T990000-raw.jpg").write_bytes(b"x")
    (folder / "20260913T120500-raw.txt").write_bytes(b"x")
    (folder / "20260913T120500-raw.jpg.part").write_bytes(b"x")
    again = PictureStore(tmp_path)
    again.load()

    assert len(kept(again, "a")) == 1
    assert sorted(path.name for path in folder.iterdir()) == [
        "20260913T120100-raw.jpg",
        "20260913T120500-raw.txt",
        "20261345T990000-raw.jpg",
        "holiday.jpg",
    ]


def test_a_file_that_was_changed_or_taken_away_is_no_picture(tmp_path: Path) -> None:
    film = PictureStore(tmp_path)
    for n in (1, 2):
        film.keep("a", "raw", shot(n))
    first, second = film.of("a")
    first.path.unlink()
    second.path.write_bytes(b"torn")

    assert (first.read(), second.read()) == (None, None)


def test_names_of_files_tell_no_device(tmp_path: Path) -> None:
    PictureStore(tmp_path).keep("../../camera of anna", "raw", shot(1))

    (path,) = tmp_path.rglob("*.jpg")
    assert "anna" not in str(path.relative_to(tmp_path))
    assert path.parent.parent == tmp_path


def test_a_folder_that_cannot_be_read_is_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "film").write_text("a file")
    film = PictureStore(tmp_path / "film")
    film.load()

    assert film.of("a") == ()
    with pytest.raises(OSError, match="film"):
        film.keep("a", "raw", shot(1))
    film.remove()
