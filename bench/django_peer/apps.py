# mypy: ignore-errors
# Django is installed for the peer alone, in a venv of its own.
from django.apps import AppConfig


class DossierConfig(AppConfig):
    name = "bench.django_peer"
    label = "dossiers"
    default_auto_field = "django.db.models.BigAutoField"
