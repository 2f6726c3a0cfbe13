from django.conf import settings
from django.db import models


class Application(models.Model):
    class Status(models.TextChoices):
        SAVED = "saved"
        APPLIED = "applied"
        INTERVIEW = "interview"
        OFFER = "offer"
        REJECTED = "rejected"

    company = models.CharField(max_length=100)
    position = models.CharField(max_length=100)
    location = models.CharField(max_length=100, blank=True)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.SAVED)
    applied_on = models.DateField(null=True, blank=True)
    notes = models.TextField(blank=True)

    class Meta:
        abstract = True
        ordering = ["id"]

    def __str__(self):
        return f"{self.position} at {self.company}"


class ExampleJobApplication(Application):
    """What a visitor without an account gets to see."""


class JobApplication(Application):
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="job_applications")


class Notice(models.Model):
    """News for everyone; staff writes it through the API."""

    title = models.CharField(max_length=100)
    text = models.TextField(blank=True)

    class Meta:
        ordering = ["id"]

    def __str__(self):
        return self.title
