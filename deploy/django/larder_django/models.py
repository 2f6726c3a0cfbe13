from django.db import models


class Eviction(models.Model):
    """An eviction that has not been acknowledged yet (LARDER["OUTBOX"]). Written in the transaction
    that makes it necessary, so it is there if and only if that was committed."""

    tags = models.TextField()  # one in a line
    created = models.DateTimeField(db_index=True)  # by the database's clock

    class Meta:
        verbose_name = "pending eviction"
        ordering = ["id"]

    def __str__(self):
        return ", ".join(self.tags.splitlines())
