# mypy: ignore-errors
# Django is installed for the peer alone, in a venv of its own.
from django.db import models
from simple_history.models import HistoricalRecords


class Dossier(models.Model):
    status = models.CharField(max_length=40)
    assignee = models.CharField(max_length=40)
    note = models.TextField()
    at = models.DateTimeField()
    ref = models.CharField(max_length=40)
    n = models.IntegerField()
    history = HistoricalRecords()

    def __str__(self) -> str:
        return str(self.ref)
