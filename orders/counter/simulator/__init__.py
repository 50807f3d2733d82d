"""Tills that lose answers, repeat themselves and change their minds, over HTTP; `manage.py simulate_tills`."""
