"""What lies at the site's root: short, for it stands in QR codes."""

from django.urls import path

from sharing.pages import SCANS_PATH, ScanPage

urlpatterns = [path(f"{SCANS_PATH}<str:code>", ScanPage.as_view(), name="scan")]
