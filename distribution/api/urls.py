from django.urls import URLPattern

from distribution.api.allocations import allocation_urls
from distribution.api.areas import area_urls
from distribution.api.areas_placements import placement_urls
from distribution.api.people import people_urls
from distribution.api.plans import plan_urls

urlpatterns: list[URLPattern] = [*area_urls, *placement_urls, *people_urls, *plan_urls, *allocation_urls]
