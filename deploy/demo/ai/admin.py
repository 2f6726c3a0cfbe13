from django.contrib import admin

from ai.models import AIModel


@admin.register(AIModel)
class AIModelAdmin(admin.ModelAdmin):
    list_display = ["name", "provider", "context_window", "is_active"]
    list_editable = ["context_window", "is_active"]
    search_fields = ["name", "identifier"]
