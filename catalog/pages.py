"""
Pictures for browsers: straight from the storage, without a look into the database, to be kept for a year.

Whoever knows the address of a picture may look at it: 80 random bits are in it. The files are ours (`drawing`), and
are said to be what they are; should a browser open one as a page all the same, it may do nothing there.
"""

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpRequest, HttpResponseBase
from django.views.decorators.http import last_modified
from django.views.generic.base import View

from catalog.picture_files import path_of
from core.ids import PUBLIC_ID_PATTERN

CONTENT_TYPE = "image/webp"
NOTHING_ALLOWED = "default-src 'none'; sandbox"
_NEVER_CHANGED = datetime(2000, 1, 1, tzinfo=UTC)  # Whoever has it already has it.


class PictureFile(View):
    """/pictures/<id>/<name>.webp"""

    http_method_names = ("get", "head", "options")

    def get(self, request: HttpRequest, picture: str, name: str) -> HttpResponseBase:
        if not PUBLIC_ID_PATTERN.match(picture) or name not in settings.ITEM_PICTURE_EDGES:
            raise Http404
        return _as_kept(request, picture=picture, name=name)


@last_modified(lambda request, **which: _NEVER_CHANGED)
def _as_kept(request: HttpRequest, **which: Any) -> HttpResponseBase:
    try:
        answer = FileResponse(default_storage.open(path_of(**which)), content_type=CONTENT_TYPE)
    except FileNotFoundError:
        raise Http404 from None
    answer["Cache-Control"] = f"public, max-age={settings.ITEM_PICTURE_CACHE_SECONDS}, immutable"
    answer["Content-Security-Policy"] = NOTHING_ALLOWED
    return answer
