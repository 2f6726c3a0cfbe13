from django.db import models


class AIModel(models.Model):
    name = models.CharField(max_length=100)
    identifier = models.SlugField(unique=True)
    provider = models.CharField(max_length=100)
    description = models.TextField(blank=True)
    context_window = models.PositiveIntegerField()
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["id"]
        verbose_name = "AI model"

    def __str__(self):
        return self.name
