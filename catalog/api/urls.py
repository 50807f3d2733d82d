from django.urls import path

from catalog.api import views

urlpatterns = [
    path("stores", views.Stores.as_view()),
    path("stores/<str:store_id>", views.StoreOne.as_view()),
    path("stores/<str:store_id>/close", views.StoreClosing.as_view()),
    path("stores/<str:store_id>/trusted-providers", views.TrustedProviders.as_view()),
    path("items", views.Items.as_view()),
    path("items/<str:item_id>", views.ItemOne.as_view()),
    path("fee-schedules", views.FeeSchedules.as_view()),
    path("fee-schedules/<str:schedule_id>", views.FeeScheduleOne.as_view()),
    path("fee-schedules/<str:schedule_id>/activate", views.FeeScheduleActivation.as_view()),
]
