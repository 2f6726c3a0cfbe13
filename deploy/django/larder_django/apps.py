from django.apps import AppConfig


class LarderDjangoConfig(AppConfig):
    name = "larder_django"
    verbose_name = "Larder"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        from . import checks, signals

        checks.register_all()
        signals.connect_all()
