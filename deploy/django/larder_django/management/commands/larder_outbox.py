from datetime import timedelta

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connections, router

from larder_django import outbox
from larder_django.delivery import delivery
from larder_django.models import Eviction


class Command(BaseCommand):
    help = ("Delivers the evictions that stand in the outbox: those of processes that ended before Larder's Redis had "
            "acknowledged them. Any process does so with its next eviction; a timer with this command does it when "
            "there is none.")

    def add_arguments(self, parser):
        parser.add_argument("--database", action="append", metavar="ALIAS", help="which ones (default: all)")
        parser.add_argument("--all", action="store_true", dest="young",
                            help=f"also what is younger than {outbox.GRACE.seconds} s, which others may just be "
                                 "seeing to")
        parser.add_argument("--dry-run", action="store_true", help="only say how many there are")

    def handle(self, *args, **options):
        grace = timedelta(0) if options["young"] else outbox.GRACE
        if delivery().backend is None and not options["dry_run"]:
            raise CommandError("settings.LARDER names neither REDIS nor ADMIN: nobody can be told")
        failed = False
        for alias in options["database"] or connections:
            if not router.allow_migrate_model(alias, Eviction):
                continue
            try:
                if options["dry_run"]:
                    self.stdout.write(f"{alias}: {outbox.left(alias, grace).count()} to be delivered")
                    continue
                delivered, is_empty = outbox.deliver_left(alias, grace)
            except DatabaseError as error:
                raise CommandError(f"the outbox of database {alias!r} cannot be read (manage.py migrate?): {error}")
            failed = failed or not is_empty
            if options["verbosity"] > 0:
                self.stdout.write(f"{alias}: {delivered} delivered" + ("" if is_empty else ", the others are left"))
        if failed:
            raise CommandError(f"{delivery().backend.name} has not acknowledged them")
