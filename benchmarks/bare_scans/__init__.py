"""What scans are measured against: the least that a Django view can do to keep a look and lead on."""
