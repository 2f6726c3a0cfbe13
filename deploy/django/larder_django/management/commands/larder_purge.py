from django.core.management.base import BaseCommand, CommandError

from larder_django import tags
from larder_django.backend import NotEvicted, Refused
from larder_django.conf import larder_settings
from larder_django.delivery import delivery


class Command(BaseCommand):
    help = "Evicts from Larder, on all replicas: paths, prefixes, tags, rules, or everything. As `larder purge`."

    def add_arguments(self, parser):
        parser.add_argument("urls", nargs="*", metavar="URL",
                            help="a resource: a path, or a URL whose host and query do not count")
        parser.add_argument("--prefix", action="append", default=[], metavar="PATH",
                            help="a path and all below it, by whole segments")
        parser.add_argument("--tag", action="append", default=[],
                            help="what a rule's tags, Surrogate-Key or Cache-Tag name so")
        parser.add_argument("--rule", action="append", default=[], help="what is stored under a rule, by its name")
        parser.add_argument("--all", action="store_true", dest="everything", help="all that is stored")
        parser.add_argument("--dry-run", action="store_true", help="evict nothing; tell of the tags and what has them")

    def handle(self, *args, **options):
        chosen = self._tags(options)
        backend = delivery().backend
        if backend is None:
            raise CommandError("settings.LARDER names neither REDIS nor ADMIN: nobody can be told")
        if options["dry_run"]:
            return self._count(backend, chosen)
        try:
            backend.evict(sorted(chosen))
        except (NotEvicted, Refused) as failure:
            raise CommandError(f"{backend.name} has not acknowledged it: {failure}") from failure
        if options["verbosity"] > 0:
            self.stdout.write(f"evicted: {', '.join(sorted(chosen))}")
        return None

    def _tags(self, options):
        chosen = {tags.EVERYTHING} if options["everything"] else set()
        for urls, make in ((options["urls"], tags.tags_of_resource), (options["prefix"], tags.tags_of_prefix)):
            for url in urls:
                path = tags.path_of(url)
                if path is None:
                    raise CommandError(f"{url!r} has no path; write /api/items/ or a whole URL", returncode=2)
                made = make(path)
                if not made:
                    raise CommandError(f"{url!r} is deeper than anything that is stored", returncode=2)
                chosen.update(made)
        for tag in options["tag"]:
            if not 1 <= len(tag.encode()) <= tags.LONGEST_NAME:
                raise CommandError(f"a tag has 1 to {tags.LONGEST_NAME} bytes", returncode=2)
            chosen.add(tags.named_tag(tag))
        chosen.update(tags.rule_tag(rule) for rule in options["rule"])
        if not chosen:
            raise CommandError("say what to evict: URLs, --prefix, --tag, --rule or --all", returncode=2)
        return chosen

    def _count(self, backend, chosen):
        if not hasattr(backend, "count"):
            raise CommandError(f"{backend.name} cannot count", returncode=2)
        try:
            counts = backend.count(chosen)
        except (NotEvicted, Refused) as failure:
            raise CommandError(f"{backend.name} did not answer: {failure}") from failure
        of = "responses in memory" if larder_settings().admin else "entries of the index in Redis, about"
        for tag, count in counts:
            self.stdout.write(f"{tag}\t{count} {of}")
