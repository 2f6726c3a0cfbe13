from django.apps import AppConfig
from django.db.backends.signals import connection_created


def prepare_sqlite(connection, **kwargs):
    """With a write-ahead log a reader does not wait for the writer, nor the writer for readers."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA journal_mode=WAL")
            cursor.execute("PRAGMA synchronous=NORMAL")


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self):
        connection_created.connect(prepare_sqlite)
