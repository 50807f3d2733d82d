"""Pictures of items: what is taken, what is left of it, in which order, and how browsers get it."""

import io
import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone
from PIL import Image

from accounts.actor import Actor
from accounts.models import Account
from catalog.errors import (
    PictureNotReadable,
    PicturesFull,
    PictureTooLarge,
    PictureTooManyPixels,
    PictureTooSmall,
)
from catalog.models import Item, ItemPicture
from catalog.picture_files import keep_files, kept_pictures, path_of, url_of
from catalog.services import add_picture, change_picture, move_picture, remove_picture, sweep_pictures
from catalog.services.closing import erase_seller
from core import clock
from core.errors import NotFound

SECRET = b"51.5074 N, taken by Ada"
ORIENTATION, MAKER = 0x0112, 0x010F


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


def picture_file(
    size: tuple[int, int] = (640, 400), *, form: str = "JPEG", colour: str = "teal", **options: Any
) -> io.BytesIO:
    written = io.BytesIO()
    Image.new("RGB", size, colour).save(written, form, **options)
    written.seek(0)
    return written


@pytest.fixture
def add(item: Item, seller: Account) -> Callable[..., ItemPicture]:
    def added(file: io.BytesIO | None = None, **said: Any) -> ItemPicture:
        by = said.pop("by", seller)
        return add_picture(
            item=item.public_id, file=file or picture_file(), actor=Actor.own(by), now=clock.now(), **said
        )

    return added


def kept(picture: ItemPicture, name: str = "large") -> Image.Image:
    with default_storage.open(path_of(picture.public_id, name)) as file:
        opened = Image.open(file)
        opened.load()
        return opened


def order_of(item: Item) -> list[str]:
    return list(item.pictures.order_by("place").values_list("alt", flat=True))


class TestAddingAPicture:
    """What comes from outside is drawn anew"""

    def test_keeps_pixels_only(self, add: Any) -> None:
        exif = Image.Exif()
        exif[MAKER] = SECRET.decode()
        coming = picture_file(exif=exif)
        polyglot = io.BytesIO(coming.getvalue() + b"<script>alert(1)</script>")
        assert SECRET in polyglot.getvalue()

        picture = add(polyglot)

        for name in ("large", "small"):
            with default_storage.open(path_of(picture.public_id, name)) as file:
                raw = file.read()
            assert SECRET not in raw
            assert b"script" not in raw
            assert (kept(picture, name).format, dict(kept(picture, name).getexif())) == ("WEBP", {})

    def test_is_turned_as_the_camera_was_held_and_no_larger_than_its_edges(self, add: Any, settings: Any) -> None:
        settings.ITEM_PICTURE_EDGES = {"large": 500, "small": 100}
        exif = Image.Exif()
        exif[ORIENTATION] = 6  # Held upright.

        picture = add(picture_file((800, 400), exif=exif))

        assert (picture.width, picture.height) == kept(picture).size == (250, 500)
        assert kept(picture, "small").size == (50, 100)

    def test_a_profile_that_nobody_can_read_changes_no_colours(self, add: Any) -> None:
        odd = kept(add(picture_file(form="PNG", icc_profile=b"no profile at all")))
        assert odd.getpixel((5, 5)) == kept(add(picture_file(form="PNG"))).getpixel((5, 5))
        assert "icc_profile" not in odd.info

    def test_holes_stay_holes(self, add: Any) -> None:
        written = io.BytesIO()
        Image.new("RGBA", (300, 300), (255, 0, 0, 0)).save(written, "PNG")
        written.seek(0)
        assert kept(add(written)).mode == "RGBA"

    @pytest.mark.parametrize(
        ("file", "refusal"),
        [
            (io.BytesIO(b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>"), PictureNotReadable),
            (io.BytesIO(b""), PictureNotReadable),
            (io.BytesIO(picture_file(form="PNG").getvalue()[:300]), PictureNotReadable),
            (picture_file(form="GIF"), PictureNotReadable),
            (picture_file((199, 900)), PictureTooSmall),
            (picture_file((1001, 1000)), PictureTooManyPixels),
            (picture_file(form="PNG", compress_level=0, size=(500, 500)), PictureTooLarge),
        ],
    )
    def test_what_is_no_picture_of_ours_is_refused_and_nothing_kept(
        self, add: Any, settings: Any, tmp_path: Any, file: io.BytesIO, refusal: type[Exception]
    ) -> None:
        settings.ITEM_PICTURE_PIXELS_MAX, settings.ITEM_PICTURE_BYTES_MAX = 1_000_000, 500_000
        file.seek(0)
        with pytest.raises(refusal):
            add(file)
        assert not list(tmp_path.iterdir())
        assert not ItemPicture.objects.exists()

    def test_an_item_has_so_many_and_no_more(self, add: Any, settings: Any, item: Item) -> None:
        settings.ITEM_PICTURES_MAX = 1
        add()
        with pytest.raises(PicturesFull):
            add()
        assert item.pictures.count() == 1

    def test_is_its_sellers_business_only(self, add: Any, new_account: Any, tmp_path: Any) -> None:
        with pytest.raises(NotFound):
            add(by=new_account(side="seller"))
        assert not list(tmp_path.iterdir())


class TestPicturesInOrder:
    """The first is the item's cover"""

    @pytest.fixture
    def three(self, add: Any) -> list[ItemPicture]:
        return [add(alt=alt) for alt in "abc"]

    def test_moving_one_closes_the_others_up(self, three: list[ItemPicture], item: Item, seller: Account) -> None:
        def move(number: int, place: int) -> list[str]:
            move_picture(item=item.public_id, picture=three[number].public_id, place=place, actor=Actor.own(seller))
            return order_of(item)

        assert move(2, 0) == ["c", "a", "b"]
        item.refresh_from_db()
        assert item.cover == three[2].public_id
        assert move(2, 0) == ["c", "a", "b"]
        assert move(2, 9) == ["a", "b", "c"]

    def test_removing_takes_the_files_along(
        self, three: list[ItemPicture], item: Item, seller: Account, django_capture_on_commit_callbacks: Any
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            remove_picture(item=item.public_id, picture=three[0].public_id, actor=Actor.own(seller))
        assert order_of(item) == ["b", "c"]
        item.refresh_from_db()
        assert item.cover == three[1].public_id
        assert not default_storage.exists(path_of(three[0].public_id, "large"))
        assert default_storage.exists(path_of(three[1].public_id, "large"))

    def test_nobody_else_changes_them(self, three: list[ItemPicture], item: Item, new_account: Any) -> None:
        which = {"item": item.public_id, "picture": three[0].public_id, "actor": Actor.own(new_account(side="seller"))}
        for change in (
            lambda: change_picture(**which, alt="x"),
            lambda: move_picture(**which, place=2),
            lambda: remove_picture(**which),
        ):
            with pytest.raises(NotFound):
                change()
        assert order_of(item) == ["a", "b", "c"]

    def test_an_erased_seller_leaves_none(
        self, three: list[ItemPicture], item: Item, seller: Account, django_capture_on_commit_callbacks: Any
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            erase_seller(seller)
        item.refresh_from_db()
        assert (item.cover, item.pictures.count()) == ("", 0)
        assert not default_storage.exists(path_of(three[0].public_id, "small"))


class TestSweeping:
    """Files that nobody names are deleted, once nobody can be about to name them."""

    def leave(self, picture: str, *, days_old: int) -> None:
        if picture not in kept_pictures():
            keep_files(picture, {"large": b"pixels", "small": b"pixels"})
        then = (timezone.now() - timedelta(days=days_old)).timestamp()
        for name in ("large", "small"):
            os.utime(default_storage.path(path_of(picture, name)), (then, then))

    def test_takes_old_files_without_a_picture_and_nothing_else(self, add: Any, settings: Any) -> None:
        settings.ITEM_PICTURES_SWEPT_AT_ONCE = 2
        pictures = [add().public_id for _ in range(2)]
        self.leave(pictures[0], days_old=9)
        for number in range(3):
            self.leave(f"pic_LEFT{number}", days_old=2)
        self.leave("pic_NEW", days_old=0)

        assert sweep_pictures(before=timezone.now() - timedelta(days=1)) == 3
        assert kept_pictures() == sorted([*pictures, "pic_NEW"])
        assert sweep_pictures(before=timezone.now() - timedelta(days=1)) == 0

    def test_goes_on_behind_a_folder_in_which_there_is_something_else(self, db: None) -> None:
        for picture in ("pic_A", "pic_B"):
            self.leave(picture, days_old=2)
        default_storage.save("pictures/pic_A/notes.txt", ContentFile(b"mine"))

        sweep_pictures(before=timezone.now() - timedelta(days=1))

        assert kept_pictures() == ["pic_A"]
        assert default_storage.listdir("pictures/pic_A") == ([], ["notes.txt"])

    def test_two_at_once_do_not_trip_over_each_other(self, committed_db: Any, race: Any) -> None:
        for number in range(40):
            self.leave(f"pic_LEFT{number}", days_old=2)

        def sweep() -> int:
            return sweep_pictures(before=timezone.now() - timedelta(days=1))

        assert all(isinstance(swept, int) for swept in race(sweep, sweep, sweep))
        assert kept_pictures() == []

    def test_where_there_never_was_a_picture_there_is_nothing_to_sweep(self, db: None) -> None:
        assert sweep_pictures(before=timezone.now()) == 0

    def test_takes_what_is_left_by_somebody_who_died_between_row_and_files(
        self, add: Any, item: Item, seller: Account, django_capture_on_commit_callbacks: Any
    ) -> None:
        removed = add().public_id
        with django_capture_on_commit_callbacks():  # They are never called.
            remove_picture(item=item.public_id, picture=removed, actor=Actor.own(seller))
        assert kept_pictures() == [removed]

        sweep_pictures(before=timezone.now() + timedelta(seconds=1))

        assert kept_pictures() == []


class TestServingAPicture:
    """/pictures/<id>/<name>.webp"""

    def test_says_what_it_is_and_is_kept_by_browsers_without_a_statement(self, add: Any, statements: Any) -> None:
        url, browser = url_of(add().public_id, "small"), Client()
        with statements() as seen:
            answer = browser.get(url)
        assert len(seen) == 0, str(seen)
        assert answer["Content-Type"] == "image/webp"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert "immutable" in answer["Cache-Control"]
        assert not browser.cookies
        assert Image.open(io.BytesIO(b"".join(answer.streaming_content))).size == (480, 300)
        assert browser.get(url, headers={"If-Modified-Since": answer["Last-Modified"]}).status_code == 304

    @pytest.mark.parametrize(
        "path", ["pic_01ARZ3NDEKTSV4RRFFQ69G5FAV/large", "../secret_key", "..%2F..%2Fsecret_key/large", "pic_/x"]
    )
    def test_gives_nothing_but_pictures(self, db: None, path: str) -> None:
        assert Client().get(f"/pictures/{path}.webp").status_code == 404
