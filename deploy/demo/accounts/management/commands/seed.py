"""Fills an empty database with what the demo shows. Run again, it changes nothing."""

from datetime import date, timedelta

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand
from django.db import transaction

from ai.models import AIModel
from jobs.models import ExampleJobApplication, JobApplication, Notice

USERS = [("admin", "admin", True), ("alice", "alice-password", False), ("bob", "bob-password", False)]

MODELS = [
    ("Quill Mini", "quill-mini", "Foliant", 16_000),
    ("Quill", "quill", "Foliant", 128_000),
    ("Quill Max", "quill-max", "Foliant", 400_000),
    ("Heron 7B", "heron-7b", "Wetland Labs", 32_000),
    ("Heron 70B", "heron-70b", "Wetland Labs", 64_000),
    ("Heron Instruct", "heron-instruct", "Wetland Labs", 64_000),
    ("Cobalt Small", "cobalt-small", "Mineral", 32_000),
    ("Cobalt Large", "cobalt-large", "Mineral", 200_000),
    ("Basalt Code", "basalt-code", "Mineral", 100_000),
    ("Lantern", "lantern", "Nightjar", 8_000),
    ("Lantern Vision", "lantern-vision", "Nightjar", 32_000),
    ("Lantern Écriture", "lantern-ecriture", "Nightjar", 32_000),
]

COMPANIES = ["Acme", "Globex", "Initech", "Umbra", "Müller & Söhne", "Northwind", "Tyrell", "Contoso"]
POSITIONS = ["Backend Engineer", "Data Analyst", "Product Designer", "Site Reliability Engineer", "Technical Writer"]
PLACES = ["Berlin", "Lisbon", "Remote", "Toronto"]
STATUSES = ["saved", "applied", "interview", "offer", "rejected"]
EXAMPLES = 60


class Command(BaseCommand):
    help = __doc__

    @transaction.atomic
    def handle(self, *args, **options):
        users = get_user_model().objects
        for name, password, is_admin in USERS:
            if not users.filter(username=name).exists():
                create = users.create_superuser if is_admin else users.create_user
                create(name, f"{name}@resumate.example", password)

        if not AIModel.objects.exists():
            AIModel.objects.bulk_create(
                AIModel(name=name, identifier=identifier, provider=provider, context_window=window,
                        description=f"{name} by {provider}, for résumés and cover letters.")
                for name, identifier, provider, window in MODELS
            )
        if not ExampleJobApplication.objects.exists():
            ExampleJobApplication.objects.bulk_create(
                ExampleJobApplication(
                    company=COMPANIES[n % len(COMPANIES)],
                    position=POSITIONS[n % len(POSITIONS)],
                    location=PLACES[n % len(PLACES)],
                    status=STATUSES[n % len(STATUSES)],
                    applied_on=date(2024, 1, 8) + timedelta(days=3 * n),
                    notes=f"Example {n + 1}: how a well kept application looks.",
                )
                for n in range(EXAMPLES)
            )
        if not JobApplication.objects.exists():
            for name, company in [("alice", "Acme"), ("bob", "Globex")]:
                JobApplication.objects.create(
                    owner=users.get(username=name), company=company, position="Backend Engineer",
                    location="Remote", status="applied", applied_on=date(2024, 5, 2), notes=f"Only {name} sees this.",
                )
        if not Notice.objects.exists():
            Notice.objects.create(title="Welcome", text="ResuMate is open.")
        self.stdout.write("seeded: users admin, alice, bob; {} AI models; {} example job applications".format(
            AIModel.objects.count(), ExampleJobApplication.objects.count()))
