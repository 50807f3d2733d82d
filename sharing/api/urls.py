from django.urls import URLPattern

from sharing.api.programs import program_urls
from sharing.api.scans import scan_urls
from sharing.api.shares import share_urls

urlpatterns: list[URLPattern] = [*program_urls, *share_urls, *scan_urls]
