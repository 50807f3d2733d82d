"""Pictures lie at the site's root, beside the pages that show them."""

from django.urls import path

from catalog.pages import PictureFile

app_name = "catalog"
urlpatterns = [path("pictures/<str:picture>/<str:name>.webp", PictureFile.as_view(), name="picture")]
