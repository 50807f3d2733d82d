from django.urls import URLPattern

from distribution.api.areas import area_urls
from distribution.api.areas_placements import placement_urls

urlpatterns: list[URLPattern] = [*area_urls, *placement_urls]
